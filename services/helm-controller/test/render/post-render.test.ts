import { spawnSync } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createKustomize } from '@sluice/shared/cli';
import { temporaryFolder, toolPath } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Release } from '../../src/release/release.ts';
import { type PostRendering, postRender } from '../../src/render/post-render.ts';
import { writeChart } from './charts.ts';

let dir: string;
let remove: () => Promise<void>;
let release: Release;

const files = {
  'templates/mixed.yaml': `# of the chart
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1", args: ["yes", "0777", '1e3']}]}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: flags
  labels: {team: red}
data:
  on: "on"
  text: |
    metadata:
      annotations:
        postrenderer.helm.sh/postrender-filename: kept
    ---
    end
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, annotations: {}}
---
apiVersion: example.com/v1
kind: Numbers
metadata: {name: numbers}
spec: {big: 9007199254740993, octal: 0777, yes: yes, float: 1.50}
`,
  'templates/hook.yaml': `apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations: {helm.sh/hook: "pre-install,pre-upgrade", helm.sh/hook-weight: "3"}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: web, image: "nginx:1"}]}}}
`,
  'templates/list.yaml': `apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: one}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: two}}
`,
};

function helm(args: string[], plugins = ''): Release {
  const all = ['install', 'web', join(dir, 'posted'), '--dry-run=client', '-o', 'json', ...args];
  const env = { HOME: dir, HELM_PLUGINS: plugins, PATH: process.env['PATH'] ?? '' };
  const { status, stdout, stderr } = spawnSync(toolPath('helm'), all, { encoding: 'utf8', env });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Release;
}

/** What Helm makes of it when a program runs the same kustomization file. */
async function byHelm(name: string, kustomization: object): Promise<Release> {
  const plugin = join(dir, `plugins-${name}`, 'renderer');
  await mkdir(plugin, { recursive: true });
  const command = { command: '${HELM_PLUGIN_DIR}/run.sh' };
  const manifest = {
    apiVersion: 'v1',
    name: 'renderer',
    version: '1.0.0',
    type: 'postrenderer/v1',
    runtime: 'subprocess',
    runtimeConfig: { platformCommand: [command] },
  };
  await writeFile(join(plugin, 'plugin.yaml'), JSON.stringify(manifest));
  const content = { resources: ['helm-output.yaml'], ...kustomization };
  await writeFile(join(plugin, 'kustomization.yaml'), JSON.stringify(content));
  const script = `#!/bin/sh\ncat > ${plugin}/helm-output.yaml && exec ${toolPath('kustomize')} build ${plugin}\n`;
  await writeFile(join(plugin, 'run.sh'), script);
  await chmod(join(plugin, 'run.sh'), 0o700);
  return helm(['--post-renderer', 'renderer'], join(dir, `plugins-${name}`));
}

beforeAll(async () => {
  ({ path: dir, remove } = await temporaryFolder('post-render'));
  await writeChart(dir, 'posted', files);
  release = helm([]);
});
afterAll(() => remove());

const parts = () => ({
  kustomize: createKustomize({ binary: toolPath('kustomize-builder') }),
});
const run = (o: PostRendering) =>
  postRender(parts(), release, { ...o, timeoutMs: 20_000, share: 'test' });
const patch = (target: object, ...steps: object[]) => ({ patch: JSON.stringify(steps), target });

const replicas = patch(
  { kind: 'Deployment' },
  { op: 'replace', path: '/spec/replicas', value: 3 },
  { op: 'add', path: '/metadata/annotations/a.b~1c', value: 'd' },
);
const images = [{ name: 'nginx', newName: 'mirror/nginx', newTag: '2' }];

describe('post-rendering', () => {
  test.each([
    { name: 'images', change: { images } },
    { name: 'patches', change: { patches: [replicas] } },
    { name: 'both', change: { images, patches: [replicas] } },
  ])('gives the release that Helm makes with $name', async ({ name, change }) => {
    const expected = await byHelm(name, change);
    const { manifest, hooks } = await run({ renderers: [{ kustomize: change }] });
    expect(manifest).toBe(expected.manifest);
    expect(hooks).toEqual(expected.hooks);
  });

  test('leaves text and hooks as they are when there is nothing to do', async () => {
    const { manifest, hooks } = await run({ renderers: [{}], commonMetadata: {} });
    expect(manifest).toBe(release.manifest);
    expect(hooks).toBe(release.hooks);
  });

  test('runs renderers in order, and sets common metadata last', async () => {
    const tag = (newTag: string, name = 'nginx') => ({ kustomize: { images: [{ name, newTag }] } });
    const { manifest, hooks } = await run({
      renderers: [tag('2'), tag('3')],
      commonMetadata: { labels: { team: 'blue' }, annotations: { note: 'x: y' } },
    });
    expect(manifest).toContain('image: nginx:3');
    expect(manifest).not.toContain('team: red');
    expect(manifest.match(/^ {4}team: blue$/gm)).toHaveLength(6);
    expect(manifest).not.toMatch(/template:\n {4}metadata:\n {6}annotations/);
    expect(hooks?.[0]?.manifest).toContain("note: 'x: y'");
  });

  const images2 = [{ kustomize: { images: [{ name: 'nginx', newTag: '2' }] } }];
  test.each([
    { strategy: 'combined', hook: 'nginx:2' },
    { strategy: 'separate', hook: 'nginx:2' },
    { strategy: 'nohooks', hook: 'nginx:1' },
  ] as const)('$strategy: hooks get $hook', async ({ strategy, hook }) => {
    const { manifest, hooks } = await run({ renderers: images2, strategy });
    expect(manifest).toContain('image: nginx:2');
    expect(hooks).toMatchObject([
      { name: 'migrate', weight: 3, path: 'posted/templates/hook.yaml' },
    ]);
    expect(hooks?.[0]?.manifest).toContain(hook);
  });

  test('an object in a hook and in a template needs to be kept apart', async () => {
    const [job] = release.hooks ?? [];
    const twice = job?.manifest.replace(/helm.sh\/hook: "pre-install,pre-upgrade", /, '');
    const both = {
      ...release,
      manifest: `${release.manifest}---\n# Source: posted/x.yaml\n${twice}\n`,
    };
    const go = (strategy: 'combined' | 'separate') =>
      postRender(parts(), both, { renderers: images2, strategy, timeoutMs: 20_000, share: 'test' });
    await expect(go('combined')).rejects.toThrow(
      /two resources have the same kind, name and namespace/,
    );
    expect((await go('separate')).manifest).toContain('name: migrate');
  });

  test('a patch that makes a hook of an object moves it there', async () => {
    const step = { op: 'add', path: '/metadata/annotations/helm.sh~1hook', value: 'post-install' };
    const { manifest, hooks } = await run({
      renderers: [{ kustomize: { patches: [patch({ kind: 'ConfigMap', name: 'one' }, step)] } }],
    });
    expect(manifest).not.toMatch(/name: one$/m);
    expect(hooks?.map(({ name }) => name).sort()).toEqual(['migrate', 'one']);
  });

  test('a patch is text, never the path of a file', async () => {
    const spec = { patches: [{ patch: '/etc/hostname', path: '/etc/hostname', target: {} }] };
    await expect(run({ renderers: [{ kustomize: spec }] })).rejects.toThrow(
      /kustomize build failed/,
    );
  });
});
