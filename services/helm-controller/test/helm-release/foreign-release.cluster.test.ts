import type { KubeObject } from '@sluice/shared/api';
import { until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, configMaps, finishJob, startBed } from './harness.ts';

type ConfigMap = KubeObject & { data?: Record<string, string> };

let bed: Bed;
let dir: string;
beforeAll(async () => {
  bed = await startBed();
  await bed.publish(chart());
  dir = await bed.write(chart('9.9.9'));
});
afterAll(() => bed.stop());

const textIs = (name: string, text: string) =>
  until<ConfigMap>(
    bed.client,
    configMaps,
    { namespace: bed.namespace, name },
    (o) => o.data?.['text'] === text,
  );

/** Waits until a revision is what the HelmRelease asks for. */
const released = async (name: string, version: number) => {
  await bed.when(
    ({ status }) =>
      status?.history?.[0]?.version === version && status.history[0].status === 'deployed',
    name,
  );
  const object = await bed.ready('1.0.0', name);
  await textIs(name, 'ours');
  return object;
};

async function install(name: string): Promise<void> {
  await bed.apply({ values: { text: 'ours' } }, name);
  await released(name, 1);
}

test("somebody else's upgrade is noticed and followed by the next revision", async () => {
  await install('upgraded');
  await bed.helm('upgrade', 'upgraded', dir, '--set', 'text=theirs', '--force-conflicts');
  const object = await released('upgraded', 3);
  expect(object.status?.history).toMatchObject([{ version: 3, chartVersion: '1.0.0' }]);
  const history = JSON.parse(await bed.helm('history', 'upgraded', '-o', 'json'));
  expect(history).toMatchObject([
    { revision: 1, status: 'superseded' },
    { revision: 2, status: 'superseded', chart: 'web-9.9.9' },
    { revision: 3, status: 'deployed', chart: 'web-1.0.0' },
  ]);
});

test("somebody else's rollback is noticed and followed by the next revision", async () => {
  await install('rolled');
  await bed.patch({ values: { text: 'old' } }, 'rolled');
  await textIs('rolled', 'old');
  await bed.patch({ values: { text: 'ours' } }, 'rolled');
  await released('rolled', 3);
  await bed.helm('rollback', 'rolled', '2', '--force-conflicts');
  await released('rolled', 5);
});

test("somebody else's failed upgrade is followed by the next revision", async () => {
  await install('failed');
  // Helm does not take fields over unless told.
  const upgrade = bed.helm('upgrade', 'failed', dir, '--set', 'text=theirs');
  await expect(upgrade).rejects.toThrow('conflict');
  await released('failed', 3);
});

test.for([
  { name: 'gone', args: [], version: 1 },
  { name: 'kept', args: ['--keep-history'], version: 2 },
])(
  "somebody else's uninstallation is noticed and undone: $name",
  async ({ name, args, version }) => {
    await install(name);
    const key = { namespace: bed.namespace, name };
    const { metadata } = await bed.client.get(configMaps, key);
    await bed.helm('uninstall', name, ...args);
    await until(bed.client, configMaps, key, (o) => o.metadata.uid !== metadata.uid);
    await released(name, version);
  },
);

test('an upgrade that somebody else is at is left to end, and then followed', async () => {
  await install('pending');
  const gate = `apiVersion: batch/v1
kind: Job
metadata:
  name: gate
  annotations: { helm.sh/hook: pre-upgrade }
spec:
  suspend: true
  template:
    spec:
      restartPolicy: Never
      containers: [{ name: hook, image: registry.invalid/hook }]
`;
  const gated = await bed.write(chart('9.9.9', { 'templates/gate.yaml': gate }));
  const upgrade = bed.helm(
    'upgrade',
    'pending',
    gated,
    '--set',
    'text=theirs',
    '--force-conflicts',
  );
  await bed.when(
    ({ status }) =>
      status?.conditions?.some(
        ({ type, message }) => type === 'Reconciling' && message.includes('is pending-upgrade by'),
      ) === true,
    'pending',
  );
  await finishJob(bed, 'gate');
  await upgrade;
  await released('pending', 3);
});
