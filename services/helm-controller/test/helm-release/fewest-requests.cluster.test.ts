import type { KubeObject } from '@sluice/shared/api';
import { FakeClock } from '@sluice/shared/base';
import { coreResources } from '@sluice/shared/kube';
import { until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Call, wrapped } from '../action/wrapped-client.ts';
import { type Bed, type ChartFiles, chart, startBed } from './harness.ts';

const { configMaps, services, serviceAccounts, events } = coreResources;

let bed: Bed;
let calls: Call[] = [];
beforeAll(async () => {
  const before = (call: Call) => calls.push(call);
  // For the controller, everything is over within no time: a slow machine makes it write no more.
  bed = await startBed([], {
    wrap: (client) => wrapped(client, { before }),
    clock: new FakeClock(),
  });
});
afterAll(() => bed.stop());

/** Four objects of the release's name, of which a ConfigMap tells the version. */
function fourObjects(version: string): ChartFiles {
  const object = (kind: string, spec = '') =>
    `apiVersion: v1\nkind: ${kind}\nmetadata:\n  name: {{ .Release.Name }}\n${spec}`;
  return chart(version, {
    'templates/account.yaml': object('ServiceAccount'),
    'templates/service.yaml': object('Service', 'spec:\n  ports: [{ port: 80 }]\n'),
    'templates/same.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-same\n',
  });
}

/**
 * What was asked for since the last call by the name of a release or of one of its objects, with numbers.
 *
 * @param list counted besides, for it names nothing
 */
function taken(name: string, list?: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const call of calls) {
    const [what = '', target = ''] = call.split('/');
    const of = target.replace('sh.helm.release.v1.', '').replace(/(-same|\.v\d+)$/, '');
    if (of === name || what === list) counts[what] = (counts[what] ?? 0) + 1;
  }
  calls = [];
  return counts;
}

/** Events about a release. */
async function eventsOf(name: string, count: number): Promise<void> {
  const look = async () => {
    const { items } = await bed.client.list<KubeObject & { involvedObject: { name: string } }>(
      events,
      { namespace: bed.namespace },
    );
    expect(items.filter(({ involvedObject }) => involvedObject.name === name)).toHaveLength(count);
  };
  await vi.waitFor(look, { timeout: 60_000, interval: 50 });
}

/** Waits until the watches have seen everything so far: what is deleted now, of each kind, they see after it. */
async function watchesCaughtUp(): Promise<void> {
  const { client, namespace } = bed;
  const key = { namespace, name: 'last' };
  await bed.apply({ driftDetection: { mode: 'enabled' } }, 'last');
  await bed.ready('1.0.0', 'last');
  for (const resource of [configMaps, services, serviceAccounts]) {
    const { uid } = (await client.get(resource, key)).metadata;
    await client.delete(resource, key);
    await until(client, resource, key, ({ metadata }) => metadata.uid !== uid);
  }
}

test('a release of four objects takes ten requests to install, and seven where one object changes', async () => {
  await bed.publish(fourObjects('1.0.0'));
  await bed.apply({}, 'counted');
  await bed.ready('1.0.0', 'counted');
  await eventsOf('counted', 1);
  const installed = taken('counted');
  expect(installed).toEqual({
    'patch HelmRelease': 3,
    'create Secret': 1,
    'apply ConfigMap': 2,
    'apply Service': 1,
    'apply ServiceAccount': 1,
    'replace Secret': 1,
  });

  await watchesCaughtUp();
  await bed.remove('last');
  taken('counted');
  await bed.publish(fourObjects('2.0.0'), '2.0.0');
  await bed.ready('2.0.0', 'counted');
  await eventsOf('counted', 2);
  expect(taken('counted', 'list Secret')).toEqual({
    'patch HelmRelease': 1,
    'list Secret': 1,
    'create Secret': 1,
    'apply ConfigMap': 1,
    'replace Secret': 2,
  });
});
