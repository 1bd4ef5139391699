import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { KustomizationSpec } from '@sluice/shared/api';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planBuild } from '../../src/builder/plan.ts';
import { isRemoteReference, resolveReference } from '../../src/builder/reference.ts';
import { configMap, directoryWith } from './artifact.ts';

const spec = (more: Partial<KustomizationSpec> = {}): KustomizationSpec => ({
  interval: '1m',
  prune: true,
  sourceRef: { kind: 'GitRepository', name: 'x' },
  ...more,
});

async function plan(
  files: Record<string, string>,
  more: Partial<KustomizationSpec> = {},
  noRemoteBases = true,
) {
  const root = await directoryWith(files);
  return planBuild({ root, spec: spec(more), noRemoteBases });
}

const kustomization = (content: object) => ({
  'app/kustomization.yaml': JSON.stringify(content),
  'app/a.yaml': configMap('a'),
  'outside.yaml': configMap('outside'),
});

describe('planBuild', () => {
  test.each([
    { name: 'resources', content: (p: string) => ({ resources: [p] }) },
    { name: 'bases', content: (p: string) => ({ bases: [p] }) },
    { name: 'components', content: (p: string) => ({ components: [p] }) },
    { name: 'crds', content: (p: string) => ({ crds: [p] }) },
    { name: 'configurations', content: (p: string) => ({ configurations: [p] }) },
    { name: 'patches', content: (p: string) => ({ patches: [{ path: p }] }) },
    { name: 'patchesJson6902', content: (p: string) => ({ patchesJson6902: [{ path: p }] }) },
    { name: 'patchesStrategicMerge', content: (p: string) => ({ patchesStrategicMerge: [p] }) },
    { name: 'replacements', content: (p: string) => ({ replacements: [{ path: p }] }) },
    { name: 'openapi', content: (p: string) => ({ openapi: { path: p } }) },
    { name: 'transformers', content: (p: string) => ({ transformers: [p] }) },
    { name: 'generators', content: (p: string) => ({ generators: [p] }) },
    { name: 'validators', content: (p: string) => ({ validators: [p] }) },
    { name: 'files', content: (p: string) => ({ configMapGenerator: [{ files: [p] }] }) },
    { name: 'files=', content: (p: string) => ({ secretGenerator: [{ files: [`k=${p}`] }] }) },
    { name: 'envs', content: (p: string) => ({ configMapGenerator: [{ envs: [p] }] }) },
    { name: 'env', content: (p: string) => ({ secretGenerator: [{ env: p }] }) },
    {
      name: 'an inline generator',
      content: (p: string) => ({
        generators: [
          JSON.stringify(
            {
              apiVersion: 'builtin',
              kind: 'ConfigMapGenerator',
              metadata: { name: 'x' },
              files: [p],
            },
            null,
            1,
          ),
        ],
      }),
    },
  ])('refuses paths out of the artifact in $name', async ({ content }) => {
    for (const path of ['../../outside', '/etc/passwd', 'a/../../../etc/passwd']) {
      await expect(plan(kustomization(content(path)), { path: 'app' })).rejects.toMatchObject({
        reason: 'BuildFailed',
        message: expect.stringMatching(/leads out of the artifact|is absolute/),
      });
    }
    for (const url of ['https://example.com/a.yaml', 'git@example.com:a/b', 'github.com/a/b'])
      await expect(plan(kustomization(content(url)), { path: 'app' })).rejects.toThrow(
        /is remote, which --no-remote-bases forbids/,
      );
    await expect(plan(kustomization(content('nowhere.yaml')), { path: 'app' })).rejects.toThrow(
      /does not exist in the artifact/,
    );
  });

  test.each([
    { content: { Resources: ['a.yaml'] }, message: /'Resources' must be spelled 'resources'/ },
    { content: { reſources: ['a.yaml'] }, message: /must be spelled 'resources'/ },
    { content: { patches: [{ Path: 'a.yaml' }] }, message: /'Path' must be spelled 'path'/ },
    { content: { configMapGenerator: [{ FILES: ['a'] }] }, message: /must be spelled 'files'/ },
    { content: { resorces: [] }, message: /'resorces' is not a field/ },
    { content: { helmCharts: [{ name: 'x' }] }, message: /helmCharts is not allowed/ },
    { content: { resources: 'a.yaml' }, message: /resources must be a list/ },
    { content: { resources: [1] }, message: /resources\[0\] .*must be a string/ },
    {
      content: { patchesStrategicMerge: ['a: |\n  x/../../../../etc/passwd'] },
      message: /leads out of the artifact/,
    },
    {
      content: { transformers: ['apiVersion: v1\nkind: Exec\nmetadata: {name: x}'] },
      message: /plugin that runs a program/,
    },
  ])('refuses $content', async ({ content, message }) => {
    await expect(plan(kustomization(content), { path: 'app' })).rejects.toThrow(message);
  });

  test('names the file and the line of broken YAML', async () => {
    const files = { 'app/kustomization.yaml': 'resources:\n  - a.yaml\n  b: c\n' };
    await expect(plan(files, { path: './app' })).rejects.toThrow(/app\/kustomization\.yaml:3: /);
  });

  test('names the directories of a cycle', async () => {
    const files = {
      'a/kustomization.yaml': 'resources: [../b]',
      'b/kustomization.yaml': 'resources: [../a]',
    };
    await expect(plan(files, { path: 'a' })).rejects.toThrow(/refer to each other: a → b → a/);
    await expect(plan({ 'kustomization.yaml': 'resources: [.]' })).rejects.toThrow(/\. → \./);
  });

  test('refuses very deep nesting', async () => {
    const files: Record<string, string> = {};
    for (let n = 0; n < 150; n++) files[`d${n}/kustomization.yaml`] = `resources: [../d${n + 1}]`;
    await expect(plan(files, { path: 'd0' })).rejects.toThrow(/deeper than 100 levels/);
  });

  test('refuses symbolic links, also on the way', async () => {
    const root = await directoryWith({ 'kustomization.yaml': 'resources: [link.yaml]' });
    await symlink('/etc/passwd', join(root, 'link.yaml'));
    await expect(planBuild({ root, spec: spec(), noRemoteBases: true })).rejects.toThrow(
      /'link.yaml' in the artifact is a symbolic link/,
    );
    const other = await directoryWith({ 'kustomization.yaml': 'resources: [dir/passwd]' });
    await symlink('/etc', join(other, 'dir'));
    await expect(planBuild({ root: other, spec: spec(), noRemoteBases: true })).rejects.toThrow(
      /'dir' in the artifact is a symbolic link/,
    );
  });

  test('reports a path that does not exist and one that leads out', async () => {
    await expect(plan({ a: '' }, { path: './nope' })).rejects.toMatchObject({
      reason: 'ArtifactFailed',
      message: expect.stringContaining("spec.path './nope'"),
    });
    await expect(plan({ a: '' }, { path: '../x' })).rejects.toMatchObject({ kind: 'stalled' });
  });

  test('has a digest that changes with the inputs only', async () => {
    const files = { 'app/a.yaml': configMap('a'), 'other/b.yaml': configMap('b') };
    const first = await plan(files, { path: 'app' });
    const unrelated = await plan({ ...files, 'other/b.yaml': configMap('c') }, { path: 'app' });
    const changed = await plan({ ...files, 'app/a.yaml': configMap('c') }, { path: 'app' });
    const prefixed = await plan(files, { path: 'app', namePrefix: 'x-' });
    expect(unrelated.inputDigest).toBe(first.inputDigest);
    expect(changed.inputDigest).not.toBe(first.inputDigest);
    expect(prefixed.inputDigest).not.toBe(first.inputDigest);
  });

  test('has no digest when something remote is fetched', async () => {
    const files = { 'kustomization.yaml': 'resources: [https://example.com/a.yaml]' };
    const { inputDigest, scan } = await plan(files, {}, false);
    expect(inputDigest).toBeUndefined();
    expect(scan.remote).toEqual(['https://example.com/a.yaml']);
  });

  test('generates a kustomization of all YAML files and directories with their own', async () => {
    const { scan } = await plan({
      'a.yaml': configMap('a'),
      'readme.md': '',
      'sub/b.yml': configMap('b'),
      'sub/own/kustomization.yaml': 'resources: [c.yaml]',
      'sub/own/c.yaml': configMap('c'),
      'sub/own/unused.yaml': configMap('unused'),
    });
    expect(JSON.parse(scan.rewritten.get('kustomization.yaml') as string).resources).toEqual([
      './a.yaml',
      './sub/b.yml',
      './sub/own',
    ]);
    expect([...scan.plain]).toEqual(['a.yaml', 'sub/b.yml', 'sub/own/c.yaml']);
  });
});

describe('resolveReference', () => {
  test('never returns a path outside the root', () => {
    const segment = fc.constantFrom('..', '.', 'a', 'b', '', '~', '...');
    const path = fc.array(segment, { maxLength: 12 }).map((segments) => segments.join('/'));
    fc.assert(
      fc.property(path, path, (dir, reference) => {
        const base = join('/root', ...dir.split('/').filter((s) => s !== '..'));
        try {
          const resolved = resolveReference(base.slice('/root'.length + 1) || '.', reference, {
            file: 'f',
            field: 'x',
          });
          expect(join('/root', resolved)).toMatch(/^\/root(\/|$)/);
          expect(join('/root', resolved)).toBe(join(base, reference).replace(/(.)\/+$/, '$1'));
        } catch (error) {
          expect(error).toMatchObject({ reason: 'BuildFailed' });
          expect(reference === '' || reference.startsWith('/') || reference.includes('..')).toBe(
            true,
          );
        }
      }),
    );
  });
});

describe('isRemoteReference', () => {
  test.each([
    'https://a/b',
    'HTTP://a/b',
    'ssh://git@a/b',
    'git::https://a/b',
    'git@github.com:a/b',
    'user@host:path',
    'github.com/a/b',
    'GitHub.com:a/b',
  ])('%s is remote', (reference) => {
    expect(isRemoteReference(reference)).toBe(true);
  });
  test.each(['a.yaml', './a', '../b', 'a@b.yaml', 'github', 'dir/https://x'])(
    '%s is local',
    (reference) => {
      expect(isRemoteReference(reference)).toBe(false);
    },
  );
});
