import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { toolPath } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  createHelmRenderer,
  createKustomize,
  type HelmRenderer,
  type Kustomize,
} from '../../src/cli/index.ts';

// The programs themselves, on input that costs what no tenant may have.

const mebibyte = 2 ** 20;
const timeoutMs = 60_000;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sluice-limits-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function write(files: Record<string, string>): Promise<string> {
  const root = await mkdtemp(join(dir, 'root-'));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(root, dirname(path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return root;
}

/** A file of zeros, which takes no room on the disk. */
async function zeros(root: string, bytes: number): Promise<void> {
  await writeFile(join(root, 'zeros'), '');
  await truncate(join(root, 'zeros'), bytes);
}

const configMap = (name: string) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: 'b' } });

describe('kustomize-builder', () => {
  const honest = { 'a.yaml': configMap('honest'), 'kustomization.yaml': 'resources: [a.yaml]' };
  const build = (kustomize: Kustomize, root: string, share: string, ms = timeoutMs) =>
    kustomize.build({ root, dir: '.', spec: {} }, { timeoutMs: ms, share });

  async function door(): Promise<{ kustomize: Kustomize; good: string }> {
    const kustomize = createKustomize({ binary: toolPath('kustomize-builder'), concurrency: 1 });
    onTestFinished(() => kustomize.close());
    return { kustomize, good: await write(honest) };
  }

  /** A build that is refused, beside one of another namespace and before one of its own. */
  async function expectAlone(root: string, message: RegExp, ms = timeoutMs) {
    const { kustomize, good } = await door();
    const attack = build(kustomize, root, 'attacker', ms).catch((error: unknown) => error);
    expect((await build(kustomize, good, 'other')).objects).toHaveLength(1);
    expect(await attack).toMatchObject({ message: expect.stringMatching(message) });
    expect((await build(kustomize, good, 'attacker')).objects).toHaveLength(1);
  }

  test('ends a build that takes too much memory, and no other', async () => {
    const root = await write({
      'kustomization.yaml': 'configMapGenerator: [{name: large, files: [zeros]}]',
    });
    await zeros(root, 400 * mebibyte);
    await expectAlone(root, /^kustomize build took more than 384 MiB of memory: split it/);
  });

  test('ends a build that takes too long, and no other', async () => {
    const objects = Array.from({ length: 2000 }, (_, i) => configMap(`o${i}`)).join('\n---\n');
    const patch = { patch: '[{"op": "add", "path": "/data/x", "value": "y"}]' };
    const patches = Array.from({ length: 2000 }, () => ({
      ...patch,
      target: { kind: 'ConfigMap' },
    }));
    const root = await write({
      'objects.yaml': objects,
      'kustomization.yaml': JSON.stringify({ resources: ['objects.yaml'], patches }),
    });
    await expectAlone(root, /^kustomize build took longer than 1000 ms: raise spec.timeout/, 1000);
  });

  test('refuses more files than a build may read', async () => {
    const names = Array.from({ length: 50_001 }, (_, i) => `f${i}`);
    const root = await write({
      'kustomization.yaml': `configMapGenerator: [{name: many, files: [${names.join(', ')}]}]`,
    });
    for (const name of names) writeFileSync(join(root, name), 'x');
    await expectAlone(root, /more than 50000 files or 536870912 bytes: split it/);
  });

  test('refuses paths that are too deep', async () => {
    const deep = `${'d/'.repeat(101)}a.yaml`;
    const root = await write({
      [deep]: configMap('deep'),
      'kustomization.yaml': `resources: [${deep}]`,
    });
    await expectAlone(root, /a path of more than 100 directories or 4096 bytes/);
  });

  test('refuses bases that nest too deep', async () => {
    const bases = Array.from({ length: 150 }, (_, i) => [
      `d${i}/kustomization.yaml`,
      `resources: [../d${i + 1}]`,
    ]);
    const root = await write({
      ...Object.fromEntries(bases),
      'd150/kustomization.yaml': 'resources: []',
      'kustomization.yaml': 'resources: [d0]',
    });
    await expectAlone(root, /deeper than 100 levels/);
  });
});

describe('helm-renderer', () => {
  const metadata = 'apiVersion: v2\nname: web\nversion: 1.0.0\n';
  const honest = { 'Chart.yaml': metadata, 'templates/a.yaml': configMap('honest') };
  const request = {
    name: 'web',
    namespace: 'default',
    revision: 1,
    values: {},
    capabilities: {
      kubeVersion: { gitVersion: 'v1.36.0', major: '1', minor: '36' },
      apiVersions: ['v1'],
    },
    serverSideApply: true,
  };
  const render = (helm: HelmRenderer, chartPath: string, share: string, ms = timeoutMs) =>
    helm.render<{ manifest: string }>(
      { ...request, chartPath },
      { timeoutMs: ms, share, lookup: async () => undefined },
    );

  /** A rendering that is refused, beside one of another namespace and before one of its own. */
  async function expectAlone(
    chartPath: string,
    message: RegExp,
    { ms = timeoutMs, maxRssBytes }: { ms?: number; maxRssBytes?: number } = {},
  ) {
    const program = toolPath('helm-renderer');
    const helm = createHelmRenderer({ program, size: 1, maxRssBytes });
    onTestFinished(() => helm.close());
    const good = await write(honest);
    const attack = render(helm, chartPath, 'attacker', ms).catch((error: unknown) => error);
    expect((await render(helm, good, 'other')).manifest).toContain('honest');
    expect(await attack).toMatchObject({ message: expect.stringMatching(message) });
    expect((await render(helm, good, 'attacker')).manifest).toContain('honest');
  }

  const template = (text: string) => write({ 'Chart.yaml': metadata, 'templates/a.yaml': text });

  test('ends a rendering that takes too much memory, and no other', async () => {
    const chart = await template('a: {{ repeat 2000000000 "x" }}');
    await expectAlone(chart, /^helm-renderer took more than 167772160 bytes of memory/, {
      maxRssBytes: 160 * mebibyte,
    });
  });

  test('ends a rendering that takes too long, and no other', async () => {
    const chart = await template(
      '{{ range until 30000 }}{{ range until 30000 }}{{ end }}{{ end }}',
    );
    await expectAlone(chart, /^rendering the chart took longer than 1000 ms: raise/, { ms: 1000 });
  });

  test('refuses a chart that is larger than Helm takes', async () => {
    const chart = await write(honest);
    await zeros(chart, 101 * mebibyte);
    await expectAlone(chart, /chart exceeds maximum decompressed size of 104857600 bytes/);
  });

  test('refuses a chart whose folders nest too deep', async () => {
    const chart = await write({ ...honest, [`${'d/'.repeat(51)}a.txt`]: '' });
    await expectAlone(chart, /folders nest deeper than 50 levels/);
  });
});
