import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { coreResources } from '@sluice/shared/kube';
import { testCluster, toolPath, until, untilGone } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fragileChart } from './charts.ts';
import { type Bed, conditionOf, configMaps, secrets, startBed } from './harness.ts';

let bed: Bed;
let dir: string;
beforeAll(async () => {
  bed = await startBed();
  await bed.publish(fragileChart());
  dir = await bed.write(fragileChart());
});
afterAll(() => bed.stop());

/** Begins something with the helm program, and kills it once the record of a revision has a status. */
async function killHelm(
  args: string[],
  { name, version, status }: { name: string; version: number; status: string },
): Promise<void> {
  const { kubeconfigPath } = await testCluster();
  const common = ['--namespace', bed.namespace, '--kubeconfig', kubeconfigPath];
  const helm = spawn(toolPath('helm'), [...args, ...common], { stdio: 'ignore' });
  const record = { namespace: bed.namespace, name: `sh.helm.release.v1.${name}.v${version}` };
  await until(bed.client, secrets, record, (o) => o.metadata.labels?.['status'] === status);
  helm.kill('SIGKILL');
  await once(helm, 'exit');
}

const statusesOf = async (name: string): Promise<string[]> =>
  JSON.parse(await bed.helm('history', name, '-o', 'json')).map(
    (revision: { status: string }) => revision.status,
  );

const waitsFor = (status: string, name: string) =>
  bed.when(
    (o) => conditionOf(o, 'Reconciling')?.message.includes(`is ${status} by`) === true,
    name,
  );

describe('what a killed helm has left is taken over when its time is up:', () => {
  test.each([
    {
      status: 'pending-install',
      begun: [],
      killed: ['install', '--wait', '--set', 'pending=true'],
      version: 1,
      statuses: ['superseded', 'deployed'],
    },
    {
      status: 'pending-upgrade',
      begun: [['install']],
      killed: ['upgrade', '--wait', '--set', 'pending=true'],
      version: 2,
      statuses: ['superseded', 'failed', 'deployed'],
    },
    {
      status: 'pending-rollback',
      begun: [
        ['install', '--set', 'pending=true'],
        ['upgrade', '--set', 'pending=false'],
      ],
      killed: ['rollback', '--wait'],
      version: 3,
      statuses: ['superseded', 'superseded', 'failed', 'deployed'],
    },
  ])('$status', async ({ status, begun, killed, version, statuses }) => {
    const name = status;
    const commandOf = ([verb = '', ...flags]: string[]) =>
      verb === 'rollback' ? [verb, name, '1', ...flags] : [verb, name, dir, ...flags];
    for (const args of begun) await bed.helm(...commandOf(args));
    await killHelm(commandOf(killed), { name, version, status });
    await bed.apply({ timeout: '1h' }, name);
    await waitsFor(status, name);
    expect((await statusesOf(name)).at(-1)).toBe(status);
    await bed.patch({ timeout: '1s' }, name);
    const object = await bed.ready('1.0.0', name);
    expect(object.status?.history?.[0]).toMatchObject({ version: version + 1, status: 'deployed' });
    expect(await statusesOf(name)).toEqual(statuses);
    const left = { namespace: bed.namespace, name: `${name}-pending` };
    await untilGone(bed.client, coreResources.deployments, left);
  });
});

test('an uninstallation by a killed helm is ended when its time is up, and the release made anew', async () => {
  const name = 'uninstalling';
  await bed.apply({ timeout: '1h' }, name);
  await bed.ready('1.0.0', name);
  const key = { namespace: bed.namespace, name };
  const hold = (finalizers: string[]) =>
    bed.client.patch(configMaps, key, { metadata: { finalizers } }, { type: 'merge' });
  await hold(['test.sluice.dev/hold']);
  await killHelm(['uninstall', name, '--wait'], { name, version: 1, status: name });
  await waitsFor(name, name);
  await hold([]);
  await bed.patch({ timeout: '1s' }, name);
  await bed.ready('1.0.0', name);
  expect(await statusesOf(name)).toEqual(['deployed']);
  expect((await bed.client.get(configMaps, key)).metadata.deletionTimestamp).toBeUndefined();
});

test('what a killed helm has left is uninstalled at once when nobody wants the release any more', async () => {
  const name = 'unwanted';
  await bed.apply({}, name);
  await bed.ready('1.0.0', name);
  const args = ['upgrade', name, dir, '--wait', '--set', 'pending=true', '--force-conflicts'];
  await killHelm(args, { name, version: 2, status: 'pending-upgrade' });
  await bed.remove(name);
  expect(JSON.parse(await bed.helm('ls', '-f', name, '-o', 'json'))).toEqual([]);
  const left = { namespace: bed.namespace, name: `${name}-pending` };
  await untilGone(bed.client, coreResources.deployments, left);
});
