import { createHash } from 'node:crypto';
import { generatorLabel } from '@sluice/shared/api';
import { conditionOf } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  contentOf,
  oneOf,
  type SourceKind,
  startWatcherBed,
  type WatcherBed,
} from '../watcher-bed.ts';

let bed: WatcherBed;
beforeAll(async () => {
  bed = await startWatcherBed();
  await bed.publish({
    revision: 'main@sha1:1',
    files: { 'apps/a.yaml': 'a: 1\n', 'infra/b.yaml': 'b: 1\n' },
    metadata: { 'facts.sluice.dev/commitAuthor': 'Ada', other: 'x' },
  });
});
afterAll(() => bed?.stop());

const kinds: SourceKind[] = [
  'GitRepository',
  'OCIRepository',
  'Bucket',
  'HelmChart',
  'ExternalArtifact',
];

test('sources of every kind are composed', async () => {
  const artifacts = new Map<string, { digest: string; revision: string; url: string }>();
  for (const kind of kinds) {
    const files = { [`${kind}.txt`]: `${kind}\n` };
    const artifact = await bed.publish({
      kind,
      name: 'all',
      revision: `${kind.toLowerCase()}@1`,
      files,
    });
    artifacts.set(kind.toLowerCase(), artifact);
  }
  await bed.create('all', {
    sources: kinds.map((kind) => ({ alias: kind.toLowerCase(), kind, name: 'all' })),
    artifacts: [
      {
        name: 'all-out',
        copy: kinds.map((kind) => ({
          from: `@${kind.toLowerCase()}/${kind}.txt`,
          to: `@artifact/${kind}/`,
        })),
      },
    ],
  });
  const object = await bed.ready('all');
  const output = await bed.output('all-out');
  expect(await contentOf(output)).toEqual(
    Object.fromEntries(kinds.map((kind) => [`${kind}/${kind}.txt`, `${kind}\n`])),
  );
  const { artifact } = output.status ?? {};
  expect(artifact?.revision).toBe(`latest@${artifact?.digest}`);
  expect(artifact?.metadata ?? {}).not.toHaveProperty(['org.opencontainers.image.revision']);
  const filename = `${artifact?.digest.slice('sha256:'.length)}.tar.gz`;
  expect(artifact?.path).toBe(`externalartifact/${bed.namespace}/all-out/${filename}`);
  // In the form that Flux has.
  const parts = [...artifacts].map(
    ([alias, { digest, revision, url }]) =>
      `${alias}=[digest=${digest},revision=${revision},url=${url}]`,
  );
  const hash = createHash('sha256').update(parts.sort().join('|')).digest('hex');
  expect(object.status).toMatchObject({
    observedSourcesDigest: `sha256:${hash}`,
    inventory: [{ name: 'all-out', namespace: bed.namespace, digest: artifact?.digest, filename }],
  });
  expect(conditionOf(object, 'Ready')).toMatchObject({
    reason: 'Succeeded',
    message: 'generated 1 artifact',
  });
});

test('an output says by whom it was made, and that it is ready', async () => {
  const generator = await bed.create('labels', {
    ...oneOf('labels-out'),
    commonMetadata: {
      labels: { env: 'prod', 'app.kubernetes.io/managed-by': 'me', [generatorLabel]: 'me' },
      annotations: { note: 'hello' },
    },
  });
  await bed.ready('labels');
  const output = await bed.output('labels-out');
  const { name, uid } = generator.metadata;
  expect(output.metadata.labels).toEqual({
    env: 'prod',
    'app.kubernetes.io/managed-by': 'source-watcher',
    [generatorLabel]: uid,
  });
  expect(output.metadata.annotations).toEqual({ note: 'hello' });
  expect(output.spec).toEqual({
    sourceRef: {
      apiVersion: 'source.extensions.fluxcd.io/v1beta1',
      kind: 'ArtifactGenerator',
      name,
      namespace: bed.namespace,
    },
  });
  expect(conditionOf(output, 'Ready')).toMatchObject({ status: 'True', reason: 'Succeeded' });

  await bed.patch('labels', {
    spec: { commonMetadata: { labels: { env: null }, annotations: null } },
  });
  await bed.ready('labels');
  const changed = await bed.output('labels-out');
  expect(changed.metadata.labels).not.toHaveProperty('env');
  expect(changed.metadata.annotations).toBeUndefined();
});

describe('the revision', () => {
  test('is that of a source where it names one, and the origin is kept beside it', async () => {
    const revision = '1.0.0@sha256:2';
    const metadata = { 'org.opencontainers.image.revision': 'v1@sha1:3' };
    const files = { 'x.txt': 'x\n' };
    await bed.publish({ kind: 'OCIRepository', name: 'pushed', revision, files, metadata });
    await bed.create('revisions', {
      sources: [
        { alias: 'repo', kind: 'GitRepository', name: 'repo' },
        { alias: 'pushed', kind: 'OCIRepository', name: 'pushed' },
      ],
      artifacts: [
        {
          name: 'of-oci',
          revision: '@pushed',
          originRevision: '@pushed',
          copy: [{ from: '@pushed/**', to: '@artifact/' }],
        },
        {
          name: 'of-git',
          originRevision: '@repo',
          copy: [{ from: '@repo/apps/**', to: '@artifact/' }],
        },
      ],
    });
    await bed.ready('revisions');
    const oci = (await bed.output('of-oci')).status?.artifact;
    expect(oci?.revision).toBe(revision);
    expect(oci?.metadata).toMatchObject(metadata);
    const git = (await bed.output('of-git')).status?.artifact;
    expect(git?.revision).toBe(`latest@${git?.digest}`);
    expect(git?.metadata).toMatchObject({
      'org.opencontainers.image.revision': 'main@sha1:1',
      'facts.sluice.dev/commitAuthor': 'Ada',
    });
    expect(git?.metadata).not.toHaveProperty('other');
  });
});

describe('a pattern of directories', () => {
  test('makes an artifact of each, and follows them', async () => {
    const kind = 'Bucket';
    const name = 'mono';
    const a = { 'apps/Auth/x.yaml': 'auth\n', 'apps/Auth/sub/y.yaml': 'y\n' };
    const b = { 'apps/shop/x.yaml': 'shop\n' };
    await bed.publish({ kind, name, revision: 'r1', files: { ...a, ...b } });
    await bed.create('mono', {
      sources: [{ alias: 'mono', kind, name }],
      pathPattern: '@mono/apps/{app}',
      artifacts: [
        { name: 'mono-{app}', copy: [{ from: '@mono/apps/{app}/**', to: '@artifact/{app}/' }] },
      ],
    });
    const first = await bed.ready('mono');
    expect(first.status?.inventory?.map((entry) => entry.name)).toEqual(['mono-auth', 'mono-shop']);
    const auth = await bed.output('mono-auth');
    expect(auth.metadata.labels).toMatchObject({ app: 'auth' });
    expect(await contentOf(auth)).toEqual({
      'Auth/sub/y.yaml': 'y\n',
      'Auth/x.yaml': 'auth\n',
    });
    await bed.publish({ kind, name, revision: 'r2', files: { ...a, 'apps/new/z.yaml': 'z\n' } });
    await bed.whenOutput('mono-new', ({ status }) => status?.artifact !== undefined);
    const second = await bed.when('mono', ({ status }) => status?.inventory?.length === 2);
    expect(second.status?.inventory?.map((entry) => entry.name)).toEqual(['mono-auth', 'mono-new']);
    await expect(bed.output('mono-shop')).rejects.toThrow('not found');
    // What is the same was left alone.
    const same = await bed.output('mono-auth');
    expect(same.metadata.resourceVersion).toBe(auth.metadata.resourceVersion);
  });

  test('stalls when two directories make one name, until the source has others', async () => {
    const kind = 'Bucket';
    const name = 'twice';
    const files = { 'Auth/x': 'x', 'auth/x': 'x' };
    await bed.publish({ kind, name, revision: 'r1', files });
    await bed.create('twice', {
      sources: [{ alias: 'twice', kind, name }],
      pathPattern: '@twice/{app}',
      artifacts: [{ name: 'twice-{app}', copy: [{ from: '@twice/{app}/**', to: '@artifact/' }] }],
    });
    const object = await bed.failed('twice', 'BuildFailed');
    expect(conditionOf(object, 'Stalled')?.message).toContain("both make the name 'twice-auth'");
    await bed.publish({ kind, name, revision: 'r2', files: { 'auth/x': 'x' } });
    await bed.ready('twice');
  });
});
