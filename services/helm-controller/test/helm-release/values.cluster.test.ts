import type { KubeObject } from '@sluice/shared/api';
import { coreResources } from '@sluice/shared/kube';
import { until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, conditionOf, configMaps, secrets, startBed } from './harness.ts';

type ConfigMap = KubeObject & { data?: Record<string, string> };

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
  await bed.publish(chart('1.0.0', { 'templates/config.yaml': everything }));
});
afterAll(() => bed.stop());

const everything = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  values: {{ toJson .Values | quote }}
`;
const watched = { 'reconcile.fluxcd.io/watch': 'Enabled' };
const merge = { type: 'merge' } as const;

async function create(kind: 'ConfigMap' | 'Secret', name: string, content: Record<string, string>) {
  const metadata = { name, namespace: bed.namespace, labels: watched };
  const resource = kind === 'Secret' ? secrets : configMaps;
  const data = kind === 'Secret' ? { stringData: content } : { data: content };
  await bed.client.create(resource, { apiVersion: 'v1', kind, metadata, ...data } as KubeObject);
}

/** Waits until a release holds values. */
const holds = (name: string, values: object) =>
  until<ConfigMap>(bed.client, configMaps, { namespace: bed.namespace, name }, (o) => {
    expect(JSON.parse(o.data?.['values'] ?? '')).toEqual(values);
    return true;
  });

/** Waits for the end of an upgrade: another change would supersede it. */
const released = (version: number) =>
  bed.when(({ status }) => {
    const newest = status?.history?.[0];
    return newest?.version === version && newest.status === 'deployed';
  }, 'from');

test('values come from ConfigMaps and Secrets, whose changes are released at once', async () => {
  const { client, namespace } = bed;
  await create('ConfigMap', 'base', { 'values.yaml': 'text: base\nmore: { a: 1, b: 2 }\n' });
  await create('Secret', 'secret', {
    'values.yaml': 'more: { b: secret-canary-1 }\n',
    key: 'secret-canary-2',
  });
  await bed.apply(
    {
      valuesFrom: [
        { kind: 'ConfigMap', name: 'base' },
        { kind: 'Secret', name: 'secret' },
        { kind: 'Secret', name: 'secret', valuesKey: 'key', targetPath: 'deep.list[0].key' },
        { kind: 'ConfigMap', name: 'absent', optional: true },
        { kind: 'ConfigMap', name: 'base', valuesKey: 'absent', optional: true },
      ],
      values: { text: 'inline' },
    },
    'from',
  );
  await bed.ready('1.0.0', 'from');
  const deep = { list: [{ key: 'secret-canary-2' }] };
  await holds('from', { text: 'inline', more: { a: 1, b: 'secret-canary-1' }, deep });

  await client.patch(
    configMaps,
    { namespace, name: 'base' },
    { data: { 'values.yaml': 'more: { a: 5 }' } },
    merge,
  );
  await holds('from', { text: 'inline', more: { a: 5, b: 'secret-canary-1' }, deep });
  await released(2);
  const stringData = { 'values.yaml': 'more: { b: secret-canary-3 }' };
  await client.patch(secrets, { namespace, name: 'secret' }, { stringData }, merge);
  await holds('from', { text: 'inline', more: { a: 5, b: 'secret-canary-3' }, deep });
  await released(3);
  await create('ConfigMap', 'absent', { 'values.yaml': 'late: true' });
  await holds('from', { text: 'inline', more: { a: 5, b: 'secret-canary-3' }, deep, late: true });

  const object = await released(4);
  const { items } = await client.list(coreResources.events, { namespace });
  expect(JSON.stringify([object, bed.events, items])).not.toContain('canary');
  await bed.event((e) => e.reason === 'UpgradeSucceeded' && e.message.includes('more.b'));
});

const missing = [
  {
    name: 'object',
    reference: { kind: 'ConfigMap', name: 'nowhere' },
    problem: /^spec\.valuesFrom\[0\]: ConfigMap '.*\/nowhere' does not exist/,
  },
  {
    name: 'key',
    reference: { kind: 'ConfigMap', name: 'keyless', valuesKey: 'nothing' },
    problem: /^spec\.valuesFrom\[0\]: ConfigMap '.*\/keyless' has no key 'nothing'/,
  },
  {
    name: 'map',
    reference: { kind: 'Secret', name: 'text' },
    problem: /^spec\.valuesFrom\[0\]: Secret '.*\/text', key 'values.yaml' does not hold a map/,
  },
] as const;

test.for(missing)('values that cannot be used are said to be so: $name', async (one) => {
  const { name, reference, problem } = one;
  if (name === 'key') await create('ConfigMap', 'keyless', { 'values.yaml': '' });
  if (name === 'map') await create('Secret', 'text', { 'values.yaml': 'bad-canary' });
  await bed.apply({ valuesFrom: [{ ...reference }] }, name);
  const object = await bed.failed('ValuesError', name);
  expect(conditionOf(object)?.message).toMatch(problem);
  expect(JSON.stringify([object, bed.events])).not.toContain('canary');
  expect(object.status).not.toHaveProperty('history');
});

test('what was missing is used as soon as it is there', async () => {
  await bed.apply({ valuesFrom: [{ kind: 'ConfigMap', name: 'later' }] }, 'late');
  await bed.failed('ValuesError', 'late');
  await create('ConfigMap', 'later', { 'values.yaml': 'text: there' });
  await holds('late', { text: 'there' });
});

test('values come from a file of a source, and follow its revisions', async () => {
  const files = (text: string) => ({ 'env/production.yaml': `text: ${text}\n` });
  await bed.publish(files('one'), 'v1', 'settings');
  const source = { kind: 'ExternalArtifact', name: 'settings' } as const;
  await bed.apply({ valuesFrom: [{ ...source, path: 'web/env/production.yaml' }] }, 'file');
  await bed.ready('1.0.0', 'file');
  await holds('file', { text: 'one' });
  await bed.publish(files('two'), 'v2', 'settings');
  await holds('file', { text: 'two' });
  await bed.publish({ 'other.yaml': '' }, 'v3', 'settings');
  const object = await bed.failed('ValuesError', 'file');
  expect(conditionOf(object)?.message).toMatch(
    /^spec\.valuesFrom\[0\]: file 'web\/env\/production\.yaml' of ExternalArtifact '.*\/settings' does not exist in revision 'v3'/,
  );
});

test('a source of values that is not there is waited for, unless it may be missing', async () => {
  const reference = { kind: 'GitRepository', name: 'nowhere', path: 'values.yaml' } as const;
  await bed.apply({ valuesFrom: [reference] }, 'waits');
  const object = await bed.failed('SourceNotReady', 'waits');
  expect(conditionOf(object)?.message).toContain(
    `GitRepository/${bed.namespace}/nowhere not found: create it or correct spec.valuesFrom[0]`,
  );
  await bed.apply({ valuesFrom: [{ ...reference, optional: true }] }, 'optional');
  await bed.ready('1.0.0', 'optional');
});
