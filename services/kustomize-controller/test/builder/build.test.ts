import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeObject, KustomizationSpec } from '@sluice/shared/api';
import { createKustomize } from '@sluice/shared/cli';
import { toolPath } from '@sluice/shared/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runBuild } from '../../src/builder/build.ts';
import { planBuild } from '../../src/builder/plan.ts';
import { configMap, directoryWith } from './artifact.ts';

let tempDir: string;
let binary: string;
beforeAll(async () => {
  tempDir = await mkdtemp(join(tmpdir(), 'sluice-build-'));
  binary = await toolPath('kustomize');
});
afterAll(() => rm(tempDir, { recursive: true, force: true }));

async function build(
  files: Record<string, string>,
  spec: Partial<KustomizationSpec> = {},
): Promise<KubeObject[]> {
  const root = await directoryWith(files);
  const full: KustomizationSpec = {
    interval: '1m',
    prune: true,
    sourceRef: { kind: 'GitRepository', name: 'x' },
    ...spec,
  };
  const plan = await planBuild({ root, spec: full, noRemoteBases: true });
  const kustomize = createKustomize({ binary, tempDir });
  const { objects } = await runBuild(plan, {
    kustomize,
    tempDir,
    decrypted: new Map(),
    timeoutMs: 20_000,
  });
  return objects;
}

const names = (objects: KubeObject[]) =>
  objects.map((o) => `${o.metadata.namespace ?? ''}/${o.metadata.name}`).sort();

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  template:
    spec:
      containers:
        - name: web
          image: example/web:1.0
`;

describe('runBuild', () => {
  test('builds plain manifests, also when a file is empty or holds comments only', async () => {
    const objects = await build({
      'a.yaml': `${configMap('a')}\n---\n${configMap('b')}`,
      'sub/c.yml': configMap('c'),
      'empty.yaml': '',
      'comment.yaml': '# nothing\n---\n',
      'values.json': '{"not": "read"}',
    });
    expect(names(objects)).toEqual(['/a', '/b', '/c']);
  });

  test('writes items of a List out', async () => {
    const list = `{"apiVersion": "v1", "kind": "List", "items": [${configMap('a')}, ${configMap('b')}]}`;
    expect(names(await build({ 'list.yaml': list }))).toEqual(['/a', '/b']);
  });

  test('applies what the spec says on top of the kustomization file', async () => {
    const objects = await build(
      {
        'base/web.yaml': deployment,
        'base/kustomization.yaml': 'resources: [web.yaml]',
        'app/kustomization.yaml':
          'resources: [../base]\nnamePrefix: ignored-\nimages: [{name: example/web, newTag: "2.0"}]',
        'comp/kustomization.yaml':
          'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [cm.yaml]',
        'comp/cm.yaml': configMap('extra'),
      },
      {
        path: './app',
        targetNamespace: 'team',
        namePrefix: 'p-',
        nameSuffix: '-s',
        images: [{ name: 'example/web', newName: 'mirror/web' }],
        components: ['../comp', '../missing'],
        ignoreMissingComponents: true,
        patches: [
          {
            patch: '- {op: replace, path: /spec/replicas, value: 3}',
            target: { kind: 'Deployment' },
          },
        ],
      },
    );
    expect(names(objects)).toEqual(['team/p-extra-s', 'team/p-web-s']);
    const web = objects.find((o) => o.kind === 'Deployment');
    expect(web).toMatchObject({
      spec: {
        replicas: 3,
        template: { spec: { containers: [{ image: 'mirror/web:2.0' }] } },
      },
    });
  });

  test('reads generator files, patches and configurations of other directories', async () => {
    const objects = await build(
      {
        'shared/app.properties': 'a=b',
        'shared/patch.yaml':
          'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {patched: "true"}',
        'app/a.yaml': configMap('a'),
        'app/kustomization.yaml': `resources: [a.yaml]
patches: [{path: ../shared/patch.yaml}]
generatorOptions: {disableNameSuffixHash: true}
configMapGenerator: [{name: generated, files: [key=../shared/app.properties], envs: [../shared/app.properties]}]
`,
      },
      { path: 'app' },
    );
    expect(objects).toEqual([
      expect.objectContaining({ data: { patched: 'true' } }),
      expect.objectContaining({ data: { key: 'a=b', a: 'b' } }),
    ]);
  });

  test('runs built-in transformers, inline and from a directory', async () => {
    const prefix = (name: string) =>
      `apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: x}\nprefix: ${name}\nfieldSpecs: [{path: metadata/name}]\n`;
    const objects = await build({
      'a.yaml': configMap('a'),
      't/prefix.yaml': prefix('one-'),
      't/kustomization.yaml': 'resources: [prefix.yaml]',
      'kustomization.yaml': JSON.stringify({
        resources: ['a.yaml'],
        transformers: ['t', prefix('two-').replace('{name: x}', '{name: two}')],
      }),
    });
    expect(names(objects)).toEqual(['/one-two-a']);
  });

  test.each<{ name: string; files: Record<string, string> }>([
    { name: 'an empty directory', files: { 'readme.md': '' } },
    { name: 'an empty kustomization', files: { 'kustomization.yaml': 'resources: []' } },
    { name: 'an empty file', files: { 'kustomization.yaml': '' } },
  ])('yields no objects for $name', async ({ files }) => {
    expect(await build(files)).toEqual([]);
  });

  test.each<{ name: string; files: Record<string, string>; message: RegExp }>([
    {
      name: 'broken YAML',
      files: { 'good.yaml': configMap('a'), 'dir/bad.yaml': 'a: b\nc: d\n  e: f: g\n' },
      message: /dir\/bad\.yaml:3: /,
    },
    {
      name: 'YAML that is no Kubernetes object',
      files: { 'good.yaml': configMap('a'), 'values.yaml': 'replicas: 1\n' },
      message: /values\.yaml: not a Kubernetes object: 'apiVersion' is missing/,
    },
    {
      name: 'a patch without target',
      files: {
        'a.yaml': configMap('a'),
        'kustomization.yaml':
          'resources: [a.yaml]\npatches: [{patch: "{apiVersion: v1, kind: ConfigMap, metadata: {name: z}}"}]',
      },
      message: /kustomize build failed: .*no matches/s,
    },
  ])('explains $name', async ({ files, message }) => {
    const failure = await build(files).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      reason: 'BuildFailed',
      message: expect.stringMatching(message),
    });
    expect(String(failure)).not.toContain(tempDir);
  });

  test('leaves nothing in the temporary directory', async () => {
    await build({ 'a.yaml': configMap('a') });
    await build({ 'a.yaml': 'x' }).catch(() => undefined);
    const left = await readdir(tempDir);
    expect(left.filter((name) => !name.startsWith('home-'))).toEqual([]);
  });
});
