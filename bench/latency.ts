// npm run bench -- latency [--n 50]: from a push with a Receiver webhook to Ready, and from an edit by hand to healed.
// The baseline is `kubectl apply --server-side` of the same objects, which also waits for nothing.
import { createHmac } from 'node:crypto';
import type { KubeObject, Kustomization, Receiver } from '@sluice/shared/api';
import { kustomizationKind, receiverKind } from '@sluice/shared/api';
import { coreResources, resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import { until } from '@sluice/testing';
import { appKustomization, appObjects, tenant, toYaml } from './apps.ts';
import { kubectlApply } from './kubectl.ts';
import { argument, type Bench, percentile, withBench } from './setup.ts';

const namespace = 'latency';
const key = { namespace, name: 'app' };
const token = 'latency-token';
const timeoutMs = 30_000;

function files(version: string, count: number): Record<string, string> {
  const settings = Array.from({ length: count }, (_, at) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `settings-${at}` },
    data: { color: 'blue' },
  }));
  return {
    'app/app.yaml': toYaml(appObjects('app', version)),
    'settings/settings.yaml': toYaml(settings),
  };
}

function objects(bench: Bench): KubeObject[] {
  const metadata = { namespace, name: 'app' };
  return [
    ...tenant(namespace),
    { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { token } },
    {
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind: 'GitRepository',
      metadata,
      spec: { interval: '1h', url: bench.git.url('app'), ref: { branch: 'main' } },
    },
    {
      apiVersion: 'notification.toolkit.fluxcd.io/v1',
      kind: 'Receiver',
      metadata,
      spec: {
        type: 'github',
        events: ['push'],
        secretRef: { name: 'app' },
        resources: [{ kind: 'GitRepository', name: 'app' }],
      },
    },
    appKustomization({
      name: 'app',
      namespace,
      sourceKind: 'GitRepository',
      sourceName: 'app',
      path: './app',
    }),
    appKustomization({
      name: 'settings',
      namespace,
      sourceKind: 'GitRepository',
      sourceName: 'app',
      path: './settings',
    }),
  ] as KubeObject[];
}

function untilApplied(bench: Bench, sha: string): Promise<Kustomization> {
  return until<Kustomization>(
    bench.client,
    resourceOf(kustomizationKind),
    key,
    (k) => isReady(k) && (k.status?.lastAppliedRevision ?? '').endsWith(sha),
    { timeoutMs },
  );
}

async function post(url: string): Promise<void> {
  const body = JSON.stringify({ ref: 'refs/heads/main' });
  const signature = createHmac('sha256', token).update(body).digest('hex');
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-hub-signature-256': `sha256=${signature}`,
    },
    body,
  });
  if (!response.ok) throw new Error(`the Receiver answered ${response.status}`);
}

async function baselineTimes(bench: Bench, count: number): Promise<number[]> {
  const { kubeconfigPath } = bench.controlPlane;
  const times: number[] = [];
  for (let at = 0; at < count; at++) {
    const objects = appObjects('baseline', `1.0.${at}`, namespace);
    times.push(await kubectlApply({ kubeconfigPath, dir: bench.dir, objects }));
  }
  return times;
}

function report(name: string, times: number[], baseline: number[]): void {
  const [p50, p95, base] = [percentile(times, 50), percentile(times, 95), percentile(baseline, 50)];
  console.log(
    `${name}: p50 ${p50.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms of ${times.length}; ${(p50 / base).toFixed(2)} × kubectl apply (p50 ${base.toFixed(0)} ms)`,
  );
}

/** Each edit is of another object, since Sluice slows down on purpose where someone keeps editing the same one. */
async function healTimes(bench: Bench, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < count; at++) {
    const configMap = { namespace, name: `settings-${at}` };
    const before = (await bench.client.get(coreResources.configMaps, configMap)).metadata
      .resourceVersion;
    const healed = until<KubeObject & { data: { color: string } }>(
      bench.client,
      coreResources.configMaps,
      configMap,
      (c) => c.data.color === 'blue' && c.metadata.resourceVersion !== before,
      { timeoutMs },
    );
    const started = performance.now();
    await bench.client.patch(
      coreResources.configMaps,
      configMap,
      { data: { color: 'red' } },
      { type: 'merge', fieldManager: 'kubectl-edit' },
    );
    await healed;
    times.push(performance.now() - started);
  }
  return times;
}

await withBench(async (bench) => {
  const count = Number(argument('n', '50'));
  const repo = await bench.git.createRepo('app', files('1.0.0', count));
  await bench.apply(objects(bench));
  const controllers = await bench.controllers({});
  await untilApplied(bench, await repo.resolve('main'));
  const receiver = await until<Receiver>(bench.client, resourceOf(receiverKind), key, isReady, {
    timeoutMs,
  });
  const hook = `${controllers.receiverUrl}${receiver.status?.webhookPath}`;

  const baseline = await baselineTimes(bench, Math.min(count, 10));
  const pushes: number[] = [];
  for (let at = 1; at <= count; at++) {
    const sha = await repo.commit({ files: files(`1.0.${at}`, count) });
    const started = performance.now();
    const applied = untilApplied(bench, sha);
    await post(hook);
    await applied;
    pushes.push(performance.now() - started);
  }
  report('push with webhook → all Ready', pushes, baseline);

  report('drift → healed', await healTimes(bench, count), baseline);
});
