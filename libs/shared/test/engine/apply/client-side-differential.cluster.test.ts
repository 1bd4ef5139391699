import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';
import { runCommand } from '@sluice/shared/cli';
import { applyClientSide } from '@sluice/shared/engine';
import { gvkOf, type KubeClient } from '@sluice/shared/kube';
import { temporaryFolder, testCluster, testNamespace, toolPath } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { identity } from '../engine-objects.ts';
import { upgradeCases } from './client-side-cases.ts';
import type { UpgradeCase } from './client-side-objects.ts';

type Folder = Awaited<ReturnType<typeof temporaryFolder>>;

let client: KubeClient;
let kubeconfigPath: string;
let folder: Folder;
let byHelm: string;
let byUs: string;

const nameOf = (upgrade: UpgradeCase) => `case-${upgradeCases.indexOf(upgrade)}`;

/** Returns the object with the marks that Helm gives the objects of a release. */
function inNamespace(object: KubeObject, upgrade: UpgradeCase, namespace: string): KubeObject {
  const { labels, annotations, ...rest } = object.metadata;
  const metadata = {
    ...rest,
    name: nameOf(upgrade),
    namespace,
    labels: { ...labels, 'app.kubernetes.io/managed-by': 'Helm' },
    annotations: {
      ...annotations,
      'meta.helm.sh/release-name': 'cases',
      'meta.helm.sh/release-namespace': namespace,
    },
  };
  return { ...object, metadata };
}

beforeAll(async () => {
  ({ client, kubeconfigPath } = await testCluster());
  folder = await temporaryFolder('client-side');
  byHelm = await testNamespace(client, 'by-helm');
  byUs = await testNamespace(client, 'by-us');
  await helm('install', 'from');
  await Promise.all(upgradeCases.map((upgrade) => apply(upgrade.from, upgrade)));
  await Promise.all(
    [byHelm, byUs].flatMap((namespace) => upgradeCases.map((upgrade) => edit(upgrade, namespace))),
  );
  await helm('upgrade', 'to');
});

afterAll(async () => {
  const finalized = upgradeCases.filter(({ from }) => from.metadata.finalizers);
  await Promise.all(
    [byHelm, byUs].flatMap((namespace) =>
      finalized.map((upgrade) => patch(upgrade, namespace, { metadata: { finalizers: null } })),
    ),
  );
  await folder.remove();
});

/** Installs or upgrades a release of one revision of all objects with the real Helm. */
async function helm(command: 'install' | 'upgrade', revision: 'from' | 'to'): Promise<void> {
  const chart = join(folder.path, revision);
  await mkdir(join(chart, 'templates'), { recursive: true });
  await writeFile(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: cases\nversion: 1.0.0\n');
  const objects = upgradeCases.map((upgrade) => inNamespace(upgrade[revision], upgrade, byHelm));
  const text = objects.map((object) => JSON.stringify(object)).join('\n---\n');
  await writeFile(join(chart, 'templates', 'all.yaml'), text);
  const result = await runCommand({
    file: toolPath('helm'),
    args: [command, 'cases', chart, '--server-side=false', '-n', byHelm],
    env: { KUBECONFIG: kubeconfigPath, HOME: folder.path },
    timeoutMs: 60_000,
    maxOutputBytes: 1_000_000,
  });
  if (result.exitCode !== 0) throw new Error(`helm ${command} failed: ${result.stderr}`);
}

async function apply(target: KubeObject, upgrade: UpgradeCase, original?: KubeObject) {
  const resource = await client.mapper.resourceFor(gvkOf(target));
  return applyClientSide({
    client,
    resource,
    original: original && inNamespace(original, upgrade, byUs),
    target: inNamespace(target, upgrade, byUs),
    identity: { ...identity, fieldManager: 'helm-controller' },
  });
}

async function patch(upgrade: UpgradeCase, namespace: string, body: object, strategic = false) {
  const resource = await client.mapper.resourceFor(gvkOf(upgrade.from));
  const key = { namespace, name: nameOf(upgrade) };
  const type = strategic ? 'strategic' : 'merge';
  await client.patch(resource, key, body, { type, fieldManager: 'kubectl-edit' });
}

async function edit(upgrade: UpgradeCase, namespace: string): Promise<void> {
  if (upgrade.edit) await patch(upgrade, namespace, upgrade.edit, upgrade.strategic);
}

/** Returns an object without what differs between any two objects. */
async function stateOf(upgrade: UpgradeCase, namespace: string) {
  const resource = await client.mapper.resourceFor(gvkOf(upgrade.to));
  const key = { namespace, name: nameOf(upgrade) };
  const {
    status: _,
    metadata,
    ...rest
  } = await client.get<KubeObject & { status?: unknown }>(resource, key);
  const { finalizers, labels, annotations } = metadata;
  const own = [
    'clusterIP',
    'clusterIPs',
    'meta.helm.sh/release-namespace',
    'deployment.kubernetes.io/revision',
  ];
  const state = { ...rest, finalizers, labels, annotations };
  return JSON.parse(JSON.stringify(state), (name, value) =>
    own.includes(name) ? undefined : value,
  );
}

describe('an upgrade on the client side leaves the same object as Helm', () => {
  it.each(upgradeCases)('for $name', async (upgrade) => {
    const { action } = await apply(upgrade.to, upgrade, upgrade.from);
    expect(['configured', 'unchanged']).toContain(action);
    const expected = await stateOf(upgrade, byHelm);
    expect(await stateOf(upgrade, byUs)).toEqual(expected);
    await apply(upgrade.to, upgrade, upgrade.to);
    expect(await stateOf(upgrade, byUs)).toEqual(expected);
  });
});
