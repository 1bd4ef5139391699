import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, conditionOf, configMaps, startBed } from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

interface Config {
  data: Record<string, string>;
}

const config = (name: string) =>
  bed.client.get(configMaps, { namespace: bed.namespace, name }) as unknown as Promise<Config>;

test('a release is installed, upgraded and uninstalled, and helm knows it', async () => {
  await bed.publish(chart());
  await bed.apply({ values: { text: 'one' } });
  const installed = await bed.ready('1.0.0');
  expect(installed.status).toMatchObject({
    lastAttemptedRevision: '1.0.0',
    lastAttemptedReleaseAction: 'install',
    history: [{ name: 'app', version: 1, status: 'deployed', chartName: 'web', action: 'install' }],
    inventory: { entries: [{ id: `${bed.namespace}_app__ConfigMap`, v: 'v1' }] },
  });
  expect(conditionOf(installed)).toMatchObject({ reason: 'InstallSucceeded' });
  expect((await config('app')).data).toEqual({ text: 'one', version: '1.0.0' });

  await bed.patch({ values: { text: 'two' } });
  const upgraded = await bed.ready();
  expect(upgraded.status?.history).toMatchObject([
    { version: 2, status: 'deployed', action: 'upgrade', changes: 'values text; 1 changed' },
    { version: 1, status: 'superseded' },
  ]);
  expect((await config('app')).data['text']).toBe('two');
  const event = await bed.event((one) => one.reason === 'UpgradeSucceeded');
  expect(event.message).toContain('data.text');

  const list = JSON.parse(await bed.helm('ls', '-o', 'json'));
  expect(list).toMatchObject([
    { name: 'app', revision: '2', status: 'deployed', chart: 'web-1.0.0' },
  ]);
  expect(JSON.parse(await bed.helm('history', 'app', '-o', 'json'))).toHaveLength(2);

  await bed.remove();
  await expect(config('app')).rejects.toMatchObject({ status: 404 });
  expect(JSON.parse(await bed.helm('ls', '-o', 'json'))).toEqual([]);
});
