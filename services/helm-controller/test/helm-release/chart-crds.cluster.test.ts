import { coreResources, isNotFound } from '@sluice/shared/kube';
import { counterKind } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, configMaps, startBed } from './harness.ts';

let bed: Bed;
let kind: ReturnType<typeof counterKind>;
beforeAll(async () => {
  bed = await startBed();
  kind = counterKind(bed.namespace);
});
afterAll(() => bed.stop());

const definitions = coreResources.customResourceDefinitions;

async function isDefined(): Promise<boolean> {
  const { plural, group } = kind.resource;
  try {
    await bed.client.get(definitions, { name: `${plural}.${group}` });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

test('the CRDs of a chart come once it is rendered, and its templates see their kinds', async () => {
  const { apiVersion } = kind;
  const files = {
    'values.yaml': 'text: default\nbroken: true\n',
    'crds/counter.yaml': kind.definition,
    'templates/broken.yaml': '{{ if .Values.broken }}{{ fail "not like this" }}{{ end }}',
    'templates/seen.yaml': `apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }}-seen }
data:
  served: {{ .Capabilities.APIVersions.Has "${apiVersion}/Counter" | quote }}
  found: {{ lookup "${apiVersion}" "Counter" .Release.Namespace "" | toJson | quote }}
`,
    'templates/counter.yaml': `apiVersion: ${apiVersion}\nkind: Counter\nmetadata: { name: {{ .Release.Name }} }\nspec: { count: 1 }\n`,
  };
  await bed.publish(chart('1.0.0', files));
  await bed.apply({}, 'defined');
  await bed.failed('InstallFailed', 'defined', /not like this/);
  expect(await isDefined()).toBe(false);

  await bed.patch({ values: { broken: false } }, 'defined');
  await bed.ready('1.0.0', 'defined');
  const seen = await bed.client.get(configMaps, { namespace: bed.namespace, name: 'defined-seen' });
  expect(seen).toMatchObject({ data: { served: 'true', found: '{}' } });
  await bed.client.get(kind.resource, { namespace: bed.namespace, name: 'defined' });
});
