import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  type ArtifactGenerator,
  apiVersionOf,
  artifactGeneratorKind,
  type ExternalArtifact,
  shardLabel,
} from '@sluice/shared/api';
import { readArchive } from '@sluice/shared/artifact';
import { parseYamlStream } from '@sluice/shared/base';
import {
  type ArtifactFile,
  conditionOf,
  type ServerProcess,
  temporaryFolder,
  until,
} from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  download,
  generators,
  type Spec,
  startWatcherBed,
  type WatcherBed,
} from '../watcher-bed.ts';
import { fluxWatcher } from './flux-watcher.ts';

type Copy = NonNullable<Spec['artifacts'][number]['copy']>[number];

let bed: WatcherBed;
let flux: ServerProcess;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const shard = randomBytes(6).toString('hex');

const shop: Record<string, ArtifactFile> = {
  'config.yaml': 'root: 1\n',
  'deploy/a.yaml': 'a: 1\n',
  'deploy/b.yaml': 'b: 1\n',
  'deploy/README.md': 'text\n',
  'deploy/.hidden': 'h\n',
  'deploy/nested/c.yaml': 'c: 1\n',
  'deploy/nested/testdata/d.yaml': 'd: 1\n',
  'bin/run.sh': { content: '#!/bin/sh\n', executable: true },
  'packs/one.tgz.txt': 'no archive\n',
  'apps/auth/kustomization.yaml': 'resources: []\n',
  'apps/shop/kustomization.yaml': 'resources: []\n',
  'apps/file.txt': 'no directory\n',
};
const other: Record<string, ArtifactFile> = {
  'values.yaml': 'image: {tag: c}\nlist: [3]\nadded: true\n',
  'base.yaml': 'image: {tag: a, pull: b}\nlist: [1, 2]\n',
  'text.txt': 'other\n',
};
const sources: Spec['sources'] = [
  { alias: 'shop', kind: 'GitRepository', name: 'shop' },
  { alias: 'other', kind: 'OCIRepository', name: 'other' },
  { alias: 'packs', kind: 'Bucket', name: 'packs' },
];

beforeAll(async () => {
  [bed, folder] = await Promise.all([startWatcherBed(), temporaryFolder('flux-watcher')]);
  flux = await fluxWatcher({ dir: folder.path, kubeconfigPath: bed.kubeconfigPath, shard });
  await flux.start();
  await bed.publish({ name: 'shop', revision: 'main@sha1:1', files: shop });
  const metadata = { 'org.opencontainers.image.revision': 'v1@sha1:2' };
  const revision = '1.0.0@sha256:3';
  await bed.publish({ kind: 'OCIRepository', name: 'other', revision, files: other, metadata });
  const archive = await makeArchive(folder.path);
  const packs = { 'a.tar.gz': archive, 'sub/b.tgz': archive, 'note.txt': 'n\n' };
  await bed.publish({ kind: 'Bucket', name: 'packs', revision: 'sha256:4', files: packs });
});

afterAll(async () => {
  await flux?.kill();
  await bed?.stop();
  await folder?.remove();
});

/** As `tar` makes it. */
async function makeArchive(dir: string): Promise<Buffer> {
  await mkdir(join(dir, 'made/in/deep'), { recursive: true });
  await writeFile(join(dir, 'made/in/x.yaml'), 'x: 1\n');
  await writeFile(join(dir, 'made/in/deep/run.sh'), '#!/bin/sh\n', { mode: 0o755 });
  await writeFile(join(dir, 'made/z.txt'), 'z\n');
  const file = join(dir, 'made.tgz');
  await promisify(execFile)('tar', ['-czf', file, '-C', join(dir, 'made'), '.']);
  return readFile(file);
}

/** What became of a generator, whoever carried it out. */
interface Result {
  ready: unknown;
  observed: string | undefined;
  outputs: Record<string, Output>;
}

interface Output {
  files: Record<string, { content: string; executable: boolean }>;
  /** Undefined where it is the digest of the archive, whose compression differs. */
  revision: string | undefined;
  origin: string | undefined;
  labels: Record<string, string>;
}

const ownLabels = /^(?:app\.kubernetes\.io\/managed-by|source\.extensions\.fluxcd\.io\/generator)$/;

async function outputOf(name: string, prefix: string): Promise<[string, Output]> {
  const { metadata, status } = await bed.output(name);
  const artifact = status?.artifact as NonNullable<ExternalArtifact['status']>['artifact'];
  const files = readArchive(await download(artifact)) ?? [];
  expect(artifact?.digest).toMatch(/^sha256:/);
  const isOfContent = artifact?.revision === `latest@${artifact?.digest}`;
  const labels = Object.entries(metadata.labels ?? {}).filter(([label]) => !ownLabels.test(label));
  return [
    name.slice(prefix.length),
    {
      files: Object.fromEntries(
        files.map(({ path, content, executable }) => [
          path,
          { content: content.toString('utf8'), executable },
        ]),
      ),
      revision: isOfContent ? undefined : artifact?.revision,
      origin: artifact?.metadata?.['org.opencontainers.image.revision'],
      labels: Object.fromEntries(labels),
    },
  ];
}

/** Has a spec carried out by one of the two; its outputs get names of their own. */
async function resultOf(by: 'flux' | 'ours', name: string, spec: Spec): Promise<Result> {
  const prefix = `${by}-`;
  const artifacts = spec.artifacts.map((one) => ({ ...one, name: `${prefix}${one.name}` }));
  const key = { namespace: bed.namespace, name: `${prefix}${name}` };
  if (by === 'ours') await bed.create(key.name, { ...spec, artifacts });
  else {
    await bed.client.create<ArtifactGenerator>(generators, {
      apiVersion: apiVersionOf(artifactGeneratorKind),
      kind: artifactGeneratorKind.kind,
      metadata: { ...key, labels: { [shardLabel]: shard } },
      spec: { ...spec, artifacts },
    });
  }
  // Flux writes the condition first, and then what it has made.
  const settled = await until<ArtifactGenerator>(bed.client, generators, key, (object) => {
    const ready = conditionOf(object, 'Ready')?.status;
    return ready === 'False' || (ready === 'True' && object.status?.inventory !== undefined);
  });
  const { status, reason } = conditionOf(settled, 'Ready') ?? {};
  const made = status === 'True' ? (settled.status?.inventory ?? []) : [];
  const outputs = await Promise.all(made.map((one) => outputOf(one.name, prefix)));
  return {
    ready: { status, reason },
    observed: settled.status?.observedSourcesDigest,
    outputs: Object.fromEntries(outputs),
  };
}

async function compare(name: string, spec: Spec): Promise<Result> {
  const [theirs, ours] = await Promise.all([
    resultOf('flux', name, spec),
    resultOf('ours', name, spec),
  ]);
  expect(ours).toEqual(theirs);
  return ours;
}

const oneOf = (name: string, copy: Copy[]): Spec => ({ sources, artifacts: [{ name, copy }] });
const to = '@artifact/';

describe('makes of copy rules what the source-watcher of Flux makes of them', () => {
  test.each<{ name: string; copy: Copy[] }>([
    { name: 'file', copy: [{ from: '@shop/config.yaml', to }] },
    { name: 'file-into', copy: [{ from: '@shop/config.yaml', to: '@artifact/x/' }] },
    { name: 'file-as', copy: [{ from: '@shop/config.yaml', to: '@artifact/x/y.yaml' }] },
    { name: 'dots', copy: [{ from: '@shop/./deploy/../config.yaml', to: '@artifact/./x' }] },
    { name: 'directory', copy: [{ from: '@shop/deploy', to: '@artifact/x' }] },
    { name: 'directory-slash', copy: [{ from: '@shop/deploy/nested/', to: '@artifact/x/' }] },
    { name: 'contents', copy: [{ from: '@shop/deploy/**', to: '@artifact/x/' }] },
    { name: 'everything', copy: [{ from: '@shop/**', to }] },
    { name: 'root', copy: [{ from: '@shop/', to }] },
    { name: 'star', copy: [{ from: '@shop/deploy/*.yaml', to: '@artifact/x/' }] },
    { name: 'star-top', copy: [{ from: '@shop/*.yaml', to }] },
    { name: 'star-directories', copy: [{ from: '@shop/apps/*', to }] },
    { name: 'star-middle', copy: [{ from: '@shop/apps/*/kustomization.yaml', to }] },
    { name: 'class', copy: [{ from: '@shop/deploy/[ab].yaml', to }] },
    { name: 'class-not', copy: [{ from: '@shop/deploy/[^a].yaml', to }] },
    { name: 'question', copy: [{ from: '@shop/deploy/?.yaml', to }] },
    { name: 'hidden', copy: [{ from: '@shop/deploy/.h*', to }] },
    { name: 'double-middle', copy: [{ from: '@shop/deploy/**/*.yaml', to }] },
    { name: 'executable', copy: [{ from: '@shop/bin/run.sh', to }] },
    { name: 'ex-name', copy: [{ from: '@shop/deploy/**', to, exclude: ['*.md'] }] },
    { name: 'ex-deep', copy: [{ from: '@shop/deploy/**', to, exclude: ['**/testdata/**'] }] },
    { name: 'ex-relative', copy: [{ from: '@shop/deploy/**', to, exclude: ['nested/**'] }] },
    { name: 'ex-whole', copy: [{ from: '@shop/deploy/**', to, exclude: ['deploy/nested/**'] }] },
    { name: 'ex-braces', copy: [{ from: '@shop/deploy/**', to, exclude: ['{a,b}.yaml'] }] },
    { name: 'ex-directory', copy: [{ from: '@shop/deploy', to, exclude: ['nested'] }] },
    { name: 'ex-class', copy: [{ from: '@shop/deploy/**', to, exclude: ['[!a]*', 'nested'] }] },
    {
      name: 'ex-file',
      copy: [
        { from: '@shop/config.yaml', to, exclude: ['*.yaml'] },
        { from: '@shop/deploy/README.md', to },
      ],
    },
    {
      name: 'overwrite',
      copy: [
        { from: '@shop/deploy', to },
        { from: '@other/text.txt', to: '@artifact/deploy/a.yaml' },
        { from: '@other/text.txt', to: '@artifact/deploy' },
      ],
    },
    {
      name: 'merge-absent',
      copy: [{ from: '@other/values.yaml', to: '@artifact/v.yaml', strategy: 'Merge' }],
    },
    { name: 'extract', copy: [{ from: '@packs/a.tar.gz', to, strategy: 'Extract' }] },
    {
      name: 'extract-into',
      copy: [{ from: '@packs/sub/b.tgz', to: '@artifact/x/', strategy: 'Extract' }],
    },
    { name: 'extract-all', copy: [{ from: '@packs/**/*.{tgz,gz}', to, strategy: 'Extract' }] },
    { name: 'extract-some', copy: [{ from: '@packs/*', to, strategy: 'Extract' }] },
  ])('$name', async ({ name, copy }) => {
    const { ready, outputs } = await compare(name, oneOf(name, copy));
    expect(ready).toEqual({ status: 'True', reason: 'Succeeded' });
    expect(Object.keys(outputs[name]?.files ?? {})).not.toEqual([]);
  });

  test.each<{ name: string; copy: Copy[] }>([
    { name: 'no-alias', copy: [{ from: '@none/a', to }] },
    { name: 'no-file', copy: [{ from: '@shop/none.yaml', to }] },
    { name: 'no-match', copy: [{ from: '@shop/none/*.yaml', to }] },
    { name: 'bad-pattern', copy: [{ from: '@shop/[', to }] },
    { name: 'out-of-source', copy: [{ from: '@shop/../config.yaml', to }] },
    { name: 'out-of-artifact', copy: [{ from: '@shop/config.yaml', to: '@artifact/../x' }] },
    { name: 'bad-exclude', copy: [{ from: '@shop/deploy', to, exclude: ['[*.md'] }] },
    { name: 'all-excluded', copy: [{ from: '@shop/*.yaml', to, exclude: ['*.yaml'] }] },
    { name: 'extract-directory', copy: [{ from: '@shop/deploy', to, strategy: 'Extract' }] },
    { name: 'extract-text', copy: [{ from: '@shop/config.yaml', to, strategy: 'Extract' }] },
    {
      name: 'merge-text',
      copy: [
        { from: '@other/base.yaml', to: '@artifact/v.yaml' },
        { from: '@other/text.txt', to: '@artifact/v.yaml', strategy: 'Merge' },
      ],
    },
  ])('refuses what it refuses: $name', async ({ name, copy }) => {
    const { ready } = await compare(name, oneOf(name, copy));
    expect(ready).toMatchObject({ status: 'False' });
  });

  test('merges to the same values, whatever the style of the text', async () => {
    const spec = oneOf('merge', [
      { from: '@other/base.yaml', to: '@artifact/v.yaml' },
      { from: '@other/values.yaml', to: '@artifact/v.yaml', strategy: 'Merge' },
    ]);
    const results = await Promise.all([
      resultOf('flux', 'merge', spec),
      resultOf('ours', 'merge', spec),
    ]);
    const values = results.map(({ outputs }) =>
      parseYamlStream(outputs['merge']?.files['v.yaml']?.content ?? '', 'v.yaml'),
    );
    expect(values[1]).toEqual(values[0]);
    expect(values[1]).toEqual([{ image: { tag: 'c', pull: 'b' }, list: [3], added: true }]);
  });
});

test('revisions and origins are those of Flux', async () => {
  const copy = [{ from: '@other/**', to }];
  const { outputs } = await compare('revisions', {
    sources,
    artifacts: [
      { name: 'rev-own', copy },
      { name: 'rev-named', revision: '@other', copy },
      { name: 'rev-origin', originRevision: '@other', copy },
      { name: 'rev-git', originRevision: '@shop', copy },
    ],
  });
  expect(outputs['rev-named']?.revision).toBe('1.0.0@sha256:3');
  expect(outputs['rev-git']?.origin).toBe('main@sha1:1');
});

test('directories of a pattern make the artifacts that Flux makes', async () => {
  const { outputs } = await compare('pattern', {
    sources,
    pathPattern: '@shop/apps/{app}',
    artifacts: [
      { name: 'app-{app}', copy: [{ from: '@shop/apps/{app}/**', to: '@artifact/{app}/' }] },
    ],
  });
  expect(Object.keys(outputs).sort()).toEqual(['app-auth', 'app-shop']);
  expect(outputs['app-auth']?.labels).toEqual({ app: 'auth' });
});
