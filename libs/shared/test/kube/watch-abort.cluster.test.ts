import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientHttp2Stream } from 'node:http2';
import {
  coreResources,
  createInformer,
  createKubeClient,
  loadKubeConfig,
} from '@sluice/shared/kube';
import { testCluster } from '@sluice/testing';
import { afterEach, expect, it } from 'vitest';

const channel = 'http2.client.stream.created';
const streams: ClientHttp2Stream[] = [];
const note = (message: unknown) => {
  streams.push((message as { stream: ClientHttp2Stream }).stream);
};

afterEach(() => {
  unsubscribe(channel, note);
});

it('leaves no stream open that was aborted, also while its connection was being made', async () => {
  const { kubeconfigPath } = await testCluster();
  const client = createKubeClient(loadKubeConfig({ path: kubeconfigPath }));
  subscribe(channel, note);
  for (let round = 0; round < 5; round++) {
    const informers = Array.from({ length: 3 }, () =>
      createInformer({ client, resource: coreResources.configMaps }),
    );
    for (const informer of informers) informer.start();
    await Promise.all(informers.map((informer) => informer.synced()));
    await Promise.all(informers.map((informer) => informer.stop()));
  }
  await expect.poll(() => streams.filter((stream) => !stream.destroyed)).toEqual([]);
  await client.close();
});
