import type { KubeObject } from '@sluice/shared/api';
import { until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, configMap, configMaps, secrets, startBed } from './harness.ts';

type ConfigMap = KubeObject & { data?: Record<string, string> };

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

test('variables come from objects and the spec, and a changed Secret is applied at once', async () => {
  const { client, namespace } = bed;
  const labels = { 'reconcile.fluxcd.io/watch': 'Enabled' };
  await client.create<ConfigMap>(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'vars', namespace },
    data: { first: 'map', second: 'map', third: 'map' },
  });
  await client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'vars', namespace, labels },
    stringData: { second: 'secret', third: 'secret' },
  } as never);
  const data = {
    all: '${first}-${second}-${third}',
    fallback: '${missing:=default}',
    literal: '$${first}',
  };
  await bed.publish({ 'a.yaml': configMap('result', data) }, 'r1');
  await bed.apply({
    postBuild: {
      substitute: { third: 'inline' },
      substituteFrom: [
        { kind: 'ConfigMap', name: 'vars' },
        { kind: 'Secret', name: 'vars' },
        { kind: 'Secret', name: 'absent', optional: true },
      ],
    },
  });
  await bed.ready('r1');
  const key = { namespace, name: 'result' };
  expect((await client.get<ConfigMap>(configMaps, key)).data).toEqual({
    all: 'map-secret-inline',
    fallback: 'default',
    literal: '${first}',
  });

  await client.patch(
    secrets,
    { namespace, name: 'vars' },
    { stringData: { second: 'rotated' } },
    { type: 'merge' },
  );
  await until<ConfigMap>(client, configMaps, key, (o) => o.data?.['all'] === 'map-rotated-inline');

  // One that did not exist takes effect when it is created.
  await client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'absent', namespace, labels },
    stringData: { first: 'late' },
  } as never);
  await until<ConfigMap>(client, configMaps, key, (o) => o.data?.['all'] === 'late-rotated-inline');
});
