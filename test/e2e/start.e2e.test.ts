import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { KubeObject } from '@sluice/shared/api';
import {
  coreResources,
  createKubeClient,
  type KubeClient,
  loadKubeConfig,
} from '@sluice/shared/kube';
import { type ControlPlane, controllerNames, startControlPlane } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const start = join(import.meta.dirname, '../../tools/tasks/start.ts');
const definitions = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

async function runStart(args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [start, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [output, errors] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { code: child.exitCode, output: output + errors };
}

describe('npm start', () => {
  let controlPlane: ControlPlane;
  let client: KubeClient;

  beforeAll(async () => {
    controlPlane = await startControlPlane();
    client = createKubeClient(loadKubeConfig({ path: controlPlane.kubeconfigPath }));
  });
  afterAll(async () => {
    await client?.close();
    await controlPlane?.stop();
  });

  /** Names of what outlives a run: namespaces that are not on their way out, and definitions. */
  async function lasting(): Promise<string[]> {
    const lists = await Promise.all(
      [coreResources.namespaces, definitions].map((resource) => client.list<KubeObject>(resource)),
    );
    return lists.flatMap(({ items }) =>
      items.filter((item) => !item.metadata.deletionTimestamp).map((item) => item.metadata.name),
    );
  }

  test('--once --context uses that cluster, approves what waits, exits 0 when all is Ready, and leaves nothing behind', async () => {
    const before = await lasting();
    const { code, output } = await runStart([
      '--once',
      `--kubeconfig=${controlPlane.kubeconfigPath}`,
      '--context=test',
    ]);
    expect(output).toMatch(
      /^Kustomization\/sluice-demo\/worker: plan sha256:\w+: 3 to create, 0 to change, 0 to delete$/m,
    );
    expect(output).toMatch(
      /^Approve it: .* approve kustomization worker --namespace=sluice-demo /m,
    );
    expect(output).toMatch(/plan sha256:\w+ is approved by /);
    expect(output).toContain('Everything is Ready.');
    for (const name of controllerNames)
      expect(output).toMatch(new RegExp(`/${name}/log\\.jsonl$`, 'm'));
    expect(code).toBe(0);
    expect(await lasting()).toEqual(before);
  }, 180_000);

  test('--once exits 1 and shows what is not Ready when time is up', async () => {
    const { code, output } = await runStart([
      '--once',
      '--timeout=50ms',
      `--kubeconfig=${controlPlane.kubeconfigPath}`,
      '--context=test',
    ]);
    expect(output).toMatch(/Not everything got Ready in time:\nKIND +NAME +READY/);
    expect(code).toBe(1);
  }, 180_000);

  test('a wrong flag is named with exit code 2', async () => {
    const { code, output } = await runStart(['--onec']);
    expect(output).toContain('unknown flag --onec');
    expect(code).toBe(2);
  });
});
