import type { KubeObject } from '@sluice/shared/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, configMaps, startBed } from './harness.ts';

type ConfigMap = KubeObject & { data?: Record<string, string> };

const hook = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-hook
  annotations: { helm.sh/hook: 'post-install,post-upgrade' }
data: { from: chart }
`;

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
  await bed.publish(chart('1.0.0', { 'templates/hook.yaml': hook }));
});
afterAll(() => bed.stop());

const patching = (text: string) => [
  {
    kustomize: {
      patches: [
        {
          target: { kind: 'ConfigMap' },
          patch: `- op: add\n  path: /data/from\n  value: ${text}\n`,
        },
      ],
    },
  },
];

const configMap = (name: string) =>
  bed.client.get<ConfigMap>(configMaps, { namespace: bed.namespace, name });
const released = (name: string, version: number) =>
  bed.when(({ status }) => {
    const newest = status?.history?.[0];
    return newest?.version === version && newest.status === 'deployed';
  }, name);

test('renderers change what is applied, and a change of them is released', async () => {
  await bed.apply({ postRenderers: patching('one') }, 'rendered');
  await bed.ready('1.0.0', 'rendered');
  expect((await configMap('rendered')).data?.['from']).toBe('one');
  await bed.patch({ postRenderers: patching('two') }, 'rendered');
  await released('rendered', 2);
  expect((await configMap('rendered')).data?.['from']).toBe('two');
  expect(await bed.helm('get', 'manifest', 'rendered')).toContain('from: two');
  await bed.patch({ postRenderers: [] }, 'rendered');
  await released('rendered', 3);
  expect((await configMap('rendered')).data).not.toHaveProperty('from');
  const object = await bed.ready('1.0.0', 'rendered');
  await bed.restart();
  await bed.annotate({ 'reconcile.fluxcd.io/requestedAt': 'now' }, 'rendered');
  await bed.when((o) => o.status?.lastHandledReconcileAt === 'now', 'rendered');
  expect((await bed.get('rendered')).status?.history).toEqual(object.status?.history);
});

test('common metadata is on all objects, and a change of it is released', async () => {
  await bed.apply({ commonMetadata: { labels: { team: 'a' } } }, 'common');
  await bed.ready('1.0.0', 'common');
  expect((await configMap('common')).metadata.labels).toMatchObject({ team: 'a' });
  const annotations = { note: 'b' };
  await bed.patch({ commonMetadata: { labels: { team: 'b' }, annotations } }, 'common');
  await released('common', 2);
  const { metadata } = await configMap('common');
  expect(metadata.labels).toMatchObject({ team: 'b', 'helm.toolkit.fluxcd.io/name': 'common' });
  expect(metadata.annotations).toMatchObject(annotations);
});

const strategies = [
  { strategy: undefined, from: 'patch' },
  { strategy: 'nohooks', from: 'chart' },
  { strategy: 'combined', from: 'patch' },
  { strategy: 'separate', from: 'patch' },
] as const;

test.for(strategies)('hooks are rendered by the strategy $strategy', async ({ strategy, from }) => {
  const name = `hooks-${strategy ?? 'unset'}`;
  await bed.apply({ postRenderStrategy: strategy, postRenderers: patching('patch') }, name);
  await bed.ready('1.0.0', name);
  expect((await configMap(name)).data?.['from']).toBe('patch');
  expect((await configMap(`${name}-hook`)).data?.['from']).toBe(from);
});

test.for([true, false])('persistentClient: %s is accepted', async (persistentClient) => {
  const name = `client-${persistentClient}`;
  await bed.apply({ persistentClient }, name);
  await bed.ready('1.0.0', name);
});
