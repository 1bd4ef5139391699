import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KustomizationSpec } from '@sluice/shared/api';
import { parseJson, parseYamlStream, ReconcileError, YamlError } from '@sluice/shared/base';
import { createKustomize, type Kustomize } from '@sluice/shared/cli';
import { testCluster, toolPath } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runBuild } from '../../src/builder/build.ts';
import { directoryWith } from './artifact.ts';
import { textCases } from './corpus/text-cases.ts';

const run = promisify(execFile);
const refused = 'refused';
const root = join(import.meta.dirname, '../../../..');

let home: string;
let kubeconfigPath: string;
let kustomize: Kustomize;
beforeAll(async () => {
  ({ kubeconfigPath } = await testCluster());
  home = await mkdtemp(join(tmpdir(), 'sluice-kubectl-'));
  kustomize = createKustomize({ binary: toolPath('kustomize-builder') });
});
afterAll(async () => {
  await kustomize.close();
  await rm(home, { recursive: true, force: true });
});

/** What of objects is compared, with numbers as the API server takes them: kubectl adds metadata. */
function shown(objects: unknown[]): unknown {
  const parts = objects.map((object) => {
    const { metadata, spec, data } = object as Record<string, { name?: unknown } | undefined>;
    return { name: metadata?.name, spec, data };
  });
  return parseJson(JSON.stringify(parts));
}

async function byKubectl(dir: string): Promise<unknown> {
  const args = ['create', '--dry-run=client', '--validate=false', '-o=json', `-f=${dir}/a.yaml`];
  const env = { PATH: '/usr/bin:/bin', HOME: home, KUBECONFIG: kubeconfigPath };
  try {
    const { stdout } = await run(toolPath('kubectl'), args, { env });
    // Several objects are printed one after another.
    return shown(parseJson(`[${stdout.replaceAll(/^\}\s*\{/gm, '},{')}]`) as unknown[]);
  } catch (error) {
    if (!(error instanceof Error) || !('stderr' in error)) throw error;
    return refused;
  }
}

function byParser(text: string): unknown {
  try {
    return shown(parseYamlStream(text, 'a.yaml', { exactIntegers: true, lastKeyWins: true }));
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    return refused;
  }
}

async function byBuild(dir: string): Promise<unknown> {
  try {
    const call = { timeoutMs: 20_000, share: 'test' };
    return shown(
      (await runBuild(kustomize, { root: dir, spec: {} as KustomizationSpec }, call)).objects,
    );
  } catch (error) {
    if (!(error instanceof ReconcileError)) throw error;
    return refused;
  }
}

const { build: builds = [], none = [] } = Object.groupBy(textCases, ({ kubectl }) =>
  kubectl?.build === undefined ? 'none' : 'build',
);

describe('a text is read as `kubectl create` reads it:', () => {
  test.each(textCases.filter(({ kubectl }) => kubectl?.parser === undefined))(
    '$name, by the parser of values, kubeconfigs and substituted objects',
    async ({ files }) => {
      const dir = await directoryWith(files);
      expect(byParser(files['a.yaml'] ?? '')).toEqual(await byKubectl(dir));
    },
  );

  test.each(none)('$name, in a build', async ({ files }) => {
    const dir = await directoryWith(files);
    expect(await byBuild(dir)).toEqual(await byKubectl(dir));
  });

  test.each(builds)('but for $kubectl.build in a build: $name', async ({ files }) => {
    const dir = await directoryWith(files);
    expect(await byBuild(dir)).not.toEqual(await byKubectl(dir));
  });
});

test('what a build reads otherwise than kubectl is documented', async () => {
  const page = await readFile(join(root, 'docs/compatibility.md'), 'utf8');
  const reasons = builds.map(({ kubectl }) => kubectl?.build ?? '');
  const [, line = ''] = /^- (YAML is read as kustomize reads it.*)$/m.exec(page) ?? [];
  expect(reasons.filter((reason) => !line.includes(`**${reason}**`))).toEqual([]);
});
