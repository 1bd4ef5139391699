import { testCluster, untilGone } from '@sluice/testing';
import { expect, onTestFinished, test } from 'vitest';
import {
  contentOf,
  externalArtifacts,
  oneOf,
  startWatcherBed,
} from '../../../services/source-watcher/test/watcher-bed.ts';
import { accountOfChart } from './account-of-chart.ts';

test('source-watcher does its work with the rights that its chart gives it', async () => {
  const cluster = await testCluster();
  const { client } = cluster;
  const bed = await startWatcherBed({
    kubeconfigPath: await accountOfChart(cluster, 'source-watcher'),
  });
  onTestFinished(() => bed.stop());
  await bed.publish({ revision: '1', files: { 'a.yaml': 'a\n' } });
  await bed.create('rights', oneOf('rights-out'));
  await bed.ready('rights');
  expect(await contentOf(await bed.output('rights-out'))).toEqual({ 'a.yaml': 'a\n' });
  await bed.remove('rights');
  await untilGone(client, externalArtifacts, { namespace: bed.namespace, name: 'rights-out' });
  const refused = (await bed.process.log()).filter((line) =>
    /forbidden|403/i.test(JSON.stringify(line)),
  );
  expect(refused).toEqual([]);
});
