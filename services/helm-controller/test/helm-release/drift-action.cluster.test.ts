import type { KubeObject } from '@sluice/shared/api';
import { until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Bed,
  chart,
  conditionOf,
  configMaps,
  finishJob,
  jobs,
  startBed,
  suspendedHook,
} from './harness.ts';

type ConfigMap = KubeObject & { data?: Record<string, string> };

const hook = suspendedHook('post-install,post-upgrade');

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
  await bed.publish(chart());
  await bed.publish(chart('1.0.0', { 'templates/hook.yaml': hook }), '1.0.0', 'hooked');
});
afterAll(() => bed.stop());

const byHand = { type: 'merge', fieldManager: 'kubectl-edit' } as const;
const keyOf = (name: string) => ({ namespace: bed.namespace, name });
const edit = (name: string, data: Record<string, string | null>) =>
  bed.client.patch<ConfigMap>(configMaps, keyOf(name), { data }, byHand);
const holds = (name: string, data: Record<string, string>) =>
  until<ConfigMap>(bed.client, configMaps, keyOf(name), (o) => {
    expect(o.data).toEqual(data);
    return true;
  });

test('an edit while an action runs is left until its end, and brought back then', async () => {
  await bed.apply(
    {
      chartRef: { kind: 'ExternalArtifact', name: 'hooked' },
      driftDetection: { mode: 'enabled' },
    },
    'hooked',
  );
  await until(bed.client, jobs, keyOf('hooked-hook'), () => true);
  await edit('hooked', { text: 'live' });
  expect(conditionOf(await bed.get('hooked'))?.status).not.toBe('True');
  await finishJob(bed, 'hooked-hook');
  await bed.ready('1.0.0', 'hooked');
  await holds('hooked', { text: 'default', version: '1.0.0' });
});

test('drift of a release that is applied on the client side is seen as well', async () => {
  await bed.apply(
    { install: { serverSideApply: false }, driftDetection: { mode: 'enabled' } },
    'client',
  );
  await bed.ready('1.0.0', 'client');
  await edit('client', { text: 'live', added: 'by others' });
  await holds('client', { text: 'default', version: '1.0.0', added: 'by others' });
  await bed.event((e) => e.reason === 'DriftCorrected' && e.involvedObject.name === 'client');
  await bed.patch({ values: { text: 'new' } }, 'client');
  await bed.when((o) => o.status?.history?.[0]?.version === 2, 'client');
  await edit('client', { text: null });
  await holds('client', { text: 'new', version: '1.0.0', added: 'by others' });
});
