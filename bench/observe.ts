// npm run bench -- observe: what metrics and traces cost. Time of what a reconcile records, without a collector and
// with one, and of a scrape, with 500 objects; as a share of the CPU that a reconcile takes in the benchmark mttp.
// Spans come faster here than they are sent, so that most of the sending is not in it.
import type { Kustomization } from '@sluice/shared/api';
import { kustomizationKind } from '@sluice/shared/api';
import { createMetrics, initTracing, withSpan } from '@sluice/shared/runtime';
import { receiveTraces } from '@sluice/testing';

const objects = 500;
const rounds = 20;
/** Spans of a reconcile of a Kustomization that builds and applies. */
const steps = ['fetch artifact', 'build', 'apply', 'prune', 'check health'];
/** CPU of one reconcile of each controller together, in milliseconds: 500 Kustomizations, install, 19.8 s. */
const reconcileMs = 19_800 / objects;

const metrics = createMetrics('kustomize-controller');
const controller = metrics.forController(kustomizationKind);
const all = Array.from({ length: objects }, (_, i) => toy(`app-${i}`));
controller.describe(() => all);

function toy(name: string): Kustomization {
  const condition = (type: string) => ({
    type,
    status: 'True' as const,
    reason: 'ReconciliationSucceeded',
    message: '',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  });
  return {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name, namespace: 'apps' },
    spec: { interval: '10m', prune: true, sourceRef: { kind: 'GitRepository', name } },
    status: { conditions: [condition('Ready'), condition('Healthy')] },
  } as Kustomization;
}

async function observe(object: Kustomization): Promise<void> {
  const end = controller.begin(object);
  const attributes = { 'sluice.object.name': object.metadata.name };
  await withSpan('reconcile Kustomization', { attributes }, async () => {
    for (const step of steps) await withSpan(step, {}, () => Promise.resolve());
  });
  const requeue = { how: 'never', forget: true } as const;
  end({ result: 'success', terminal: false, succeeded: true, requeue });
}

/** CPU of what one reconcile records, in microseconds. */
async function measure(): Promise<number> {
  const before = process.cpuUsage();
  for (let round = 0; round < rounds; round++) for (const object of all) await observe(object);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (rounds * objects);
}

function show(what: string, microseconds: number): void {
  const share = (microseconds / 1000 / reconcileMs) * 100;
  console.log(`${what}: ${microseconds.toFixed(1)} µs, ${share.toFixed(2)} % of a reconcile's CPU`);
}

await measure();
show('a reconcile without --otlp-endpoint', await measure());
const traces = await receiveTraces();
const tracing = await initTracing({ serviceName: 'bench', endpoint: traces.endpoint });
await measure();
show('a reconcile with --otlp-endpoint', await measure());
await tracing.shutdown();
await traces.close();

const before = process.cpuUsage();
const text = await metrics.registry.metrics();
const { user, system } = process.cpuUsage(before);
const bytes = Math.round(Buffer.byteLength(text) / 1024);
const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
console.log(`a scrape: ${((user + system) / 1000).toFixed(0)} ms, ${lines} series, ${bytes} KiB`);
