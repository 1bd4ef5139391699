import type { KubeObject } from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import { createKubeClient } from '@sluice/shared/kube';
import { Registry } from 'prom-client';
import { expect, onTestFinished, test } from 'vitest';
import { DependencyWatch } from '../../src/applier/dependency-watch.ts';
import { registerWatchMetrics } from '../../src/runtime/observe/watch-metrics.ts';
import { refuse, startFakeApiServer } from '../kube/fake-api-server.ts';
import { FakeInformer } from '../runtime/fake-informer.ts';

test('a dependency of a kind that is not installed leaves the process ready', async () => {
  const asked = Promise.withResolvers<string>();
  const server = await startFakeApiServer(({ path }, response) => {
    asked.resolve(path);
    refuse(response, 404, { reason: 'NotFound' });
  });
  const client = createKubeClient(server.config);
  const informer = new FakeInformer<KubeObject>();
  const monitor = registerWatchMetrics(new Registry());
  const dependencies = new DependencyWatch({
    kind: 'Kustomization',
    informer,
    client,
    logger: silentLogger,
    monitor,
    clientOf: () => Promise.resolve(client),
    additive: false,
    noCrossNamespaceRefs: false,
  });
  onTestFinished(async () => {
    await dependencies.stop();
    await client.close();
    await server.close();
  });
  informer.see({
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { namespace: 'ns', name: 'app' },
    spec: { dependsOn: [{ kind: 'HelmRelease', name: 'other' }] },
  } as KubeObject);
  expect(await asked.promise).toContain('/helmreleases');
  expect(() => monitor.check()).not.toThrow();
});
