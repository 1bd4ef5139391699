import type { KubeObject } from '@sluice/shared/api';
import { parseJson } from '@sluice/shared/base';
import { coreResources } from '@sluice/shared/kube';
import { type Counter, counterKind, until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, startBed } from './harness.ts';

const long = '9007199254740993';
const near = '9007199254740992';
const byHand = { type: 'merge', fieldManager: 'kubectl-edit' } as const;

let bed: Bed;
let kind: ReturnType<typeof counterKind>;
beforeAll(async () => {
  bed = await startBed();
  kind = counterKind(bed.namespace);
});
afterAll(() => bed.stop());

test('integers of values arrive as written, and drift in their last digit is corrected', async () => {
  const { client, namespace } = bed;
  await client.create(coreResources.secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'numbers', namespace },
    stringData: { 'values.yaml': `file: ${long}\n`, one: `-${long}` },
  } as KubeObject);
  const list =
    '{{ .Values.own }}, {{ .Values.file }}, {{ .Values.target }}, {{ .Values.target | int64 }}';
  await bed.publish(
    chart('1.0.0', {
      'values.yaml': `text: x\nown: 9223372036854775807\n`,
      'crds/counter.yaml': kind.definition,
      'templates/counter.yaml': `apiVersion: ${kind.apiVersion}\nkind: Counter\nmetadata: { name: {{ .Release.Name }} }\nspec: { count: {{ .Values.count }}, list: [${list}] }\n`,
    }),
  );
  await bed.apply(
    {
      driftDetection: { mode: 'enabled' },
      values: parseJson(`{"count":${long}}`) as Record<string, unknown>,
      valuesFrom: [
        { kind: 'Secret', name: 'numbers' },
        { kind: 'Secret', name: 'numbers', valuesKey: 'one', targetPath: 'target' },
      ],
    },
    'numbers',
  );
  await bed.ready('1.0.0', 'numbers');
  const written = `{"count":${long},"list":[9223372036854775807,${long},-${long},-${long}]}`;
  const key = { namespace, name: 'numbers' };
  const isWritten = (o: Counter) => JSON.stringify(o.spec) === written;
  await until<Counter>(client, kind.resource, key, isWritten);

  const patch = parseJson(`{"spec":{"count":${near}}}`);
  const edited = await client.patch<Counter>(kind.resource, key, patch, byHand);
  expect(edited.spec.count).toBe(2 ** 53);
  await until<Counter>(client, kind.resource, key, isWritten);

  const stored = await bed.helm('get', 'values', 'numbers', '--output', 'json');
  expect(stored).not.toContain('e+15');
  const values = parseJson(`{"count":${near}}`) as Record<string, unknown>;
  await bed.patch({ values }, 'numbers');
  await bed.when(({ status }) => status?.history?.[0]?.version === 2, 'numbers');
  await until<Counter>(client, kind.resource, key, (o) => o.spec.count === 2 ** 53);
});
