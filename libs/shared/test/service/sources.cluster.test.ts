import { gitRepositoryKind, type KindDefinition, type KubeObject } from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import { type KubeClient, resourceOf } from '@sluice/shared/kube';
import { testCluster, testNamespace } from '@sluice/testing';
import { expect, onTestFinished, test } from 'vitest';
import { createSources } from '../../src/service/sources.ts';

const resource = resourceOf(gitRepositoryKind as KindDefinition);

async function createRepository(client: KubeClient, namespace: string): Promise<void> {
  await client.create(resource, {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name: 'app', namespace },
    spec: { interval: '1m', url: 'https://git.example.com/app' },
  } as KubeObject);
}

test('sources of other namespaces are not watched when one is named, and still found when asked for', async () => {
  const { client } = await testCluster();
  const [own, other] = await Promise.all([testNamespace(client), testNamespace(client)]);
  await Promise.all([createRepository(client, own), createRepository(client, other)]);
  const kinds = ['GitRepository'] as const;
  const sources = createSources({ client, logger: silentLogger, kinds, namespace: own });
  onTestFinished(() => sources.stop());
  const heard: string[] = [];
  sources.onArtifact((id) => heard.push(id));
  await sources.start(AbortSignal.timeout(30_000));
  expect(heard).toEqual([`GitRepository/${own}/app`]);
  const found = await sources.get('GitRepository', { namespace: other, name: 'app' });
  expect(found?.metadata.namespace).toBe(other);
});
