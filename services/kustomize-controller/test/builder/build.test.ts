import type { KubeObject, KustomizationSpec } from '@sluice/shared/api';
import { createKustomize, type Kustomize } from '@sluice/shared/cli';
import { toolPath } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runBuild } from '../../src/builder/build.ts';
import { configMap, directoryWith } from './artifact.ts';

let kustomize: Kustomize;
beforeAll(() => {
  kustomize = createKustomize({ binary: toolPath('kustomize-builder') });
});
afterAll(() => kustomize.close());

const call = { timeoutMs: 20_000, share: 'test' };

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
  const { objects } = await runBuild(kustomize, { root, spec: full }, call);
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
      message: /values\.yaml:1: not a Kubernetes object: 'apiVersion' is missing/,
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
    expect(String(failure)).not.toContain('sluice-test-');
  });

  test('names the file and the line of a broken kustomization file', async () => {
    const files = { 'app/kustomization.yaml': 'resources:\n  - a.yaml\n  b: c\n' };
    await expect(build(files, { path: './app' })).rejects.toThrow(
      /app\/kustomization\.yaml:[23]: /,
    );
  });

  test('names the directories of a cycle', async () => {
    const files = {
      'a/kustomization.yaml': 'resources: [../b]',
      'b/kustomization.yaml': 'resources: [../a]',
    };
    await expect(build(files, { path: 'a' })).rejects.toThrow(/refer to each other: a → b → a/);
  });

  test('reports a path that does not exist and one that leads out', async () => {
    await expect(build({ a: '' }, { path: './nope' })).rejects.toMatchObject({
      reason: 'ArtifactFailed',
      message: expect.stringContaining("spec.path './nope'"),
    });
    await expect(build({ a: '' }, { path: '../x' })).rejects.toMatchObject({ kind: 'stalled' });
    await expect(build({ a: '' }, { components: ['https://a/b'] })).rejects.toMatchObject({
      kind: 'stalled',
    });
  });

  test('sees the same until something that it looked at changes', async () => {
    const files = { 'app/a.yaml': configMap('a'), 'other/b.yaml': configMap('b') };
    const spec = { path: 'app' } as KustomizationSpec;
    const root = await directoryWith(files);
    const { seen = '' } = await runBuild(kustomize, { root, spec }, call);
    const same = async (more: Record<string, string>) =>
      kustomize.isSame(await directoryWith({ ...files, ...more }), seen, call);
    expect(await same({ 'other/b.yaml': configMap('c') })).toBe(true);
    expect(await same({ 'app/a.yaml': configMap('c') })).toBe(false);
    expect(await same({ 'app/c.yaml': configMap('c') })).toBe(false);
    expect(await same({ 'app/kustomization.yaml': 'resources: []' })).toBe(false);
  });

  test('asks for remote files, and has nothing to compare then', async () => {
    const root = await directoryWith({
      'kustomization.yaml': 'resources: ["https://example.com/a.yaml"]',
    });
    const asked: string[] = [];
    const fetch = async (url: string) => {
      asked.push(url);
      return Buffer.from(configMap('fetched'));
    };
    const input = { root, spec: {} as KustomizationSpec };
    const { objects, seen } = await runBuild(kustomize, input, { ...call, fetch });
    expect([names(objects), seen, asked]).toEqual([
      ['/fetched'],
      undefined,
      ['https://example.com/a.yaml'],
    ]);
    await expect(runBuild(kustomize, input, call)).rejects.toThrow(
      'resources[0] of kustomization.yaml is remote, which --no-remote-bases forbids',
    );
    const refused = new Error('refused by the guard');
    await expect(
      runBuild(kustomize, input, { ...call, fetch: () => Promise.reject(refused) }),
    ).rejects.toBe(refused);
  });
});
