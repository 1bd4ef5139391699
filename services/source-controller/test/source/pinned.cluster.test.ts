import {
  type Artifact,
  type GitRepository,
  type KindDefinition,
  type KubeObject,
  kustomizationKind,
} from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import {
  type GitServer,
  type GitRepository as Repository,
  startGitServer,
  testNamespace,
} from '@sluice/testing';
import { request } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type SourceBed, startSourceBed } from '../source-bed.ts';

const kustomizations = resourceOf(kustomizationKind as KindDefinition);

let bed: SourceBed;
let server: GitServer;

beforeAll(async () => {
  const extraArgs = [
    '--keep-pinned-artifacts=true',
    '--no-cross-namespace-refs=true',
    '--artifact-retention-ttl=0s',
    '--artifact-retention-records=1',
  ];
  [bed, server] = await Promise.all([startSourceBed({ extraArgs }), startGitServer()]);
});

afterAll(async () => {
  await bed?.stop();
  await server?.stop();
});

/** A source of a repository of its own. */
async function create(name: string): Promise<{ object: GitRepository; repository: Repository }> {
  const repository = await server.createRepo(name, { 'a.yaml': 'a: 1\n' });
  const object = await bed.createGit(name, { url: server.url(name), ref: { branch: 'main' } });
  return { object: await bed.ready(object), repository };
}

/** A consumer whose status says that it needs an artifact. */
async function pin(name: string, { path, digest }: Artifact, namespace = bed.namespace) {
  const sourceRef = { kind: 'GitRepository', name, namespace: bed.namespace };
  const key = { namespace, name };
  await bed.client.create(kustomizations, {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: key,
    spec: { interval: '1h', prune: true, sourceRef },
  } as KubeObject);
  const status = { pinnedArtifacts: [{ sourceRef, path, digest }] };
  const options = { type: 'merge', subresource: 'status' } as const;
  await bed.client.patch(kustomizations, key, { status }, options);
  return key;
}

const statusOf = async ({ url }: Artifact) => {
  const answer = await request(url, { method: 'HEAD' });
  await answer.body.dump();
  return answer.statusCode;
};

/** Asks until the artifact is answered so; what was removed is removed by a reconcile. */
async function answered(object: GitRepository, artifact: Artifact, status: number): Promise<void> {
  await expect
    .poll(async () => {
      await bed.request(object);
      return statusOf(artifact);
    })
    .toBe(status);
}

async function supersede({ object, repository }: Awaited<ReturnType<typeof create>>) {
  const artifact = object.status?.artifact as Artifact;
  await repository.commit({ files: { 'a.yaml': 'a: 2\n' } });
  await bed.request(object);
  await bed.until(object, ({ status }) => status?.artifact?.path !== artifact.path);
}

it('an artifact that a consumer names stays until nobody does, and no other', async () => {
  const pinned = await create('pinned');
  const free = await create('free');
  const [needed, old] = [pinned, free].map(({ object }) => object.status?.artifact as Artifact);
  const key = await pin('pinned', needed as Artifact);
  await Promise.all([supersede(pinned), supersede(free)]);
  await answered(free.object, old as Artifact, 404);
  await bed.request(pinned.object);
  expect(await statusOf(needed as Artifact)).toBe(200);

  await bed.client.delete(kustomizations, key);
  await answered(pinned.object, needed as Artifact, 404);
});

it('a consumer of another namespace keeps none where it may not refer to', async () => {
  const foreign = await create('foreign');
  const artifact = foreign.object.status?.artifact as Artifact;
  await pin('foreign', artifact, await testNamespace(bed.client, 'pins'));
  await supersede(foreign);
  await answered(foreign.object, artifact, 404);
});
