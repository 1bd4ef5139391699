import type { KubeObject } from '@sluice/shared/api';
import type { ApiResource } from '@sluice/shared/kube';
import { until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, configMaps, startBed } from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

const quotas: ApiResource = {
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  namespaced: true,
};

type Quota = KubeObject & { status?: { hard?: Record<string, string> } };
type ConfigMaps = KubeObject[];

/** Objects whose admission counts one and the same quota at the same time. */
const many = `{{ range until 40 }}
apiVersion: v1
kind: ConfigMap
metadata: { name: "{{ $.Release.Name }}-{{ . }}" }
---
{{ end }}`;

test('many objects under one ResourceQuota are made, and one too many is told', async () => {
  const { client, namespace } = bed;
  const hard = { 'count/configmaps': '60' };
  const metadata = { name: 'few', namespace };
  await client.create(quotas, {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata,
    spec: { hard },
  } as KubeObject);
  await until<Quota>(client, quotas, metadata, ({ status }) => status?.hard !== undefined);
  await bed.publish(chart('1.0.0', { 'templates/many.yaml': many }));
  await bed.apply({}, 'within');
  await bed.ready('1.0.0', 'within');
  const { items } = await client.list<KubeObject>(configMaps, { namespace });
  const made: ConfigMaps = items.filter(({ metadata: { name } }) => name.startsWith('within-'));
  expect(made).toHaveLength(40);
  await bed.apply({}, 'beyond');
  await bed.failed('InstallFailed', 'beyond', /exceeded quota: few.*count\/configmaps/);
});
