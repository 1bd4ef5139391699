import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Controllers,
  type KillProxy,
  type Moment,
  type ProxiedCall,
  startControllers,
  startKillProxy,
  testCluster,
} from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, configMaps, startBed } from './harness.ts';

let bed: Bed;
let proxy: KillProxy;
let controllers: Controllers;
let dir: string;

beforeAll(async () => {
  // Its own controller has nothing to do.
  bed = await startBed(['--watch-label-selector=test.sluice.dev/shard=none']);
  await bed.publish(chart());
  dir = await mkdtemp(join(tmpdir(), 'sluice-killed-'));
  const { kubeconfigPath } = await testCluster();
  proxy = await startKillProxy(kubeconfigPath, () => process().kill());
  const path = join(dir, 'kubeconfig');
  await writeFile(path, proxy.kubeconfig);
  controllers = await startControllers({
    dir,
    kubeconfigPath: path,
    natsUrl: '',
    names: ['helm-controller'],
    extraArgs: {
      'helm-controller': [`--watch-label-selector=test.sluice.dev/shard=${bed.namespace}`],
    },
  });
});

afterAll(async () => {
  await controllers.stop();
  await proxy.close();
  await bed.stop();
  await rm(dir, { recursive: true, force: true });
});

const process = () => controllers.processes['helm-controller'];

const deaths: { name: string; call: ProxiedCall; moment: Moment }[] = [
  { name: 'unrecorded', call: 'POST secrets/sh.helm.release.v1.unrecorded.v1', moment: 'before' },
  { name: 'recorded', call: 'POST secrets/sh.helm.release.v1.recorded.v1', moment: 'after' },
  { name: 'applied', call: 'PATCH configmaps/applied', moment: 'after' },
  { name: 'unsettled', call: 'PUT secrets/sh.helm.release.v1.unsettled.v1', moment: 'before' },
  { name: 'settled', call: 'PUT secrets/sh.helm.release.v1.settled.v1', moment: 'after' },
];

test.each(deaths)(
  'a killed process is followed by one that ends its work: $moment $call',
  async ({ name, call, moment }) => {
    const death = proxy.killAt({ call, moment });
    await bed.apply({ values: { text: name } }, name);
    await death;
    await process().start();
    const object = await bed.ready('1.0.0', name);
    expect(object.status?.inventory?.entries).toHaveLength(1);
    const key = { namespace: bed.namespace, name };
    expect(await bed.client.get(configMaps, key)).toMatchObject({ data: { text: name } });
    const history: { status: string }[] = JSON.parse(await bed.helm('history', name, '-o', 'json'));
    expect(history.map(({ status }) => status).filter((s) => s !== 'superseded')).toEqual([
      'deployed',
    ]);
  },
);

test('killed processes leave no renderings on the disk', async () => {
  // The present process, the last one of those above, had nothing to render.
  const files = await readdir(join(dir, 'helm-controller/work'), { recursive: true });
  expect(files.filter((path) => path.startsWith('renderings/'))).toEqual([]);
  expect(bed.events).toEqual([]);
});
