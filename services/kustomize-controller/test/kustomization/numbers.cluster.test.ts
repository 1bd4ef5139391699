import { parseJson } from '@sluice/shared/base';
import { type Counter, counterKind, until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, startBed } from './harness.ts';

const long = '9007199254740993';
const near = '9007199254740992';
const byHand = { type: 'merge', fieldManager: 'kubectl-edit' } as const;

let bed: Bed;
let kind: ReturnType<typeof counterKind>;
beforeAll(async () => {
  bed = await startBed();
  kind = counterKind(bed.namespace);
  await bed.publish({ 'crd.yaml': kind.definition }, 'r1', 'kind');
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name: 'kind' } }, 'kind');
  await bed.ready('r1', 'kind');
});
afterAll(() => bed.stop());

const counter = (spec: string, name = 'counter') =>
  `apiVersion: ${kind.apiVersion}\nkind: Counter\nmetadata: { name: ${name} }\nspec: ${spec}\n`;
const keyOf = (name: string) => ({ namespace: bed.namespace, name });
const specIs = (spec: string, name = 'counter') =>
  until<Counter>(bed.client, kind.resource, keyOf(name), (o) => JSON.stringify(o.spec) === spec);

test('integers arrive as written, and drift in their last digit is corrected', async () => {
  const { client } = bed;
  const spec = `{ count: ${long}, list: [-${long}, 9223372036854775807], ratio: 0.1 }`;
  await bed.publish({ 'a.yaml': counter(spec) }, 'r1', 'plain');
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name: 'plain' } }, 'plain');
  await bed.ready('r1', 'plain');
  const written = `{"count":${long},"list":[-${long},9223372036854775807],"ratio":0.1}`;
  await specIs(written);

  const patch = parseJson(`{"spec":{"count":${near}}}`);
  const edited = await client.patch<Counter>(kind.resource, keyOf('counter'), patch, byHand);
  expect(edited.spec.count).toBe(2 ** 53);
  await specIs(written);
  const event = await bed.event((one) => one.reason === 'DriftCorrected');
  expect(event.message).toContain('drifted: .spec.count changed; corrected');
});

test('a revision that changes the last digit alone is applied', async () => {
  const files = (count: string) => ({ 'a.yaml': counter(`{ count: ${count} }`, 'next') });
  await bed.publish(files(near), 'r1', 'next');
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name: 'next' } }, 'next');
  await bed.ready('r1', 'next');
  await specIs(`{"count":${near}}`, 'next');

  await bed.publish(files(long), 'r2', 'next');
  await bed.ready('r2', 'next');
  await specIs(`{"count":${long}}`, 'next');
});

test('substitution keeps the digits of numbers, also of those that variables hold', async () => {
  const spec = `\n  count: \${count}\n  list: [${long}]`;
  await bed.publish({ 'a.yaml': counter(spec, 'sub') }, 'r1', 'sub');
  await bed.apply(
    {
      sourceRef: { kind: 'ExternalArtifact', name: 'sub' },
      postBuild: { substitute: { count: `-${long}` } },
    },
    'sub',
  );
  await bed.ready('r1', 'sub');
  await specIs(`{"count":-${long},"list":[${long}]}`, 'sub');
});
