import {
  bucketKind,
  helmRepositoryKind,
  type KindDefinition,
  type KubeObject,
} from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { untilGone } from '@sluice/testing';
import { afterAll, beforeAll, test } from 'vitest';
import { type SourceBed, startSourceBed } from './source-bed.ts';

let bed: SourceBed;
let labels: Record<string, string> | undefined;
beforeAll(async () => {
  bed = await startSourceBed();
  const url = 'oci://registry.example.com/charts';
  // An object of the bed says by which labels its controller finds objects.
  ({ labels } = (await bed.createHelm('labels', { type: 'oci', url })).metadata);
});
afterAll(() => bed?.stop());

// Flux holds Buckets, and held all HelmRepositories; nobody else would let them go once it is gone.
test.each([
  { kind: bucketKind, spec: { bucketName: 'charts', endpoint: 'minio.example.com' } },
  { kind: helmRepositoryKind, spec: { type: 'oci', url: 'oci://registry.example.com/charts' } },
])('a $kind.kind without an artifact of ours that Flux holds can be deleted', async (given) => {
  const { kind, spec } = given;
  const { client, namespace } = bed;
  const key = { namespace, name: 'held' };
  const resource = resourceOf(kind as KindDefinition);
  await client.create(resource, {
    apiVersion: `${kind.group}/${kind.version}`,
    kind: kind.kind,
    metadata: { ...key, labels, finalizers: ['finalizers.fluxcd.io'] },
    spec: { interval: '1h', ...spec },
  } as KubeObject);
  await client.delete(resource, key);
  await untilGone(client, resource, key);
});
