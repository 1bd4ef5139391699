// npm run bench -- noisy-neighbour [--n 100] [--failing 50] [--rounds 3] [--flux]: the time from a commit to Ready of N
// Kustomizations while those of another tenant wait, up to their timeout of five minutes, for Pods that never become
// ready. The baseline is the same without them in the same run.
import type { KubeObject } from '@sluice/shared/api';
import { kustomizationKind } from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { conditionsOf } from '@sluice/shared/runtime';
import { appKustomization, appObjects, tenant, toYaml } from './apps.ts';
import { type Contestant, withContestants } from './contestants.ts';
import { createFleet, type Fleet } from './fleet.ts';
import { untilAll } from './measure.ts';
import { argument, type Bench, percentile } from './setup.ts';

const count = Number(argument('n', '100'));
const failing = Number(argument('failing', '50'));
const rounds = Number(argument('rounds', '3'));
const noisy = 'noisy';
/** Flux waits for the health of as many as `--concurrent` says by default. */
const slots = 4;

/** An application whose Pods find no node. */
function brokenApp(name: string): string {
  const objects = appObjects(name, '1.0.0').map((object) => {
    if (object.kind !== 'Deployment') return object;
    const copy = structuredClone(object) as KubeObject & {
      spec: { replicas: number; template: { spec: object } };
    };
    copy.spec.replicas = 1;
    Object.assign(copy.spec.template.spec, { nodeSelector: { 'example.com/never': 'true' } });
    return copy;
  });
  return toYaml(objects);
}

/** Milliseconds from the request to look at the source to Ready, of each application in each round. */
async function times(fleet: Fleet, first: number): Promise<number[]> {
  const found: number[] = [];
  for (let at = first; at < first + rounds; at++) {
    const sha = await fleet.commit(fleet.names, `${at}.0.0`);
    const started = performance.now();
    const seen = new Set<string>();
    await fleet.roll(sha, (name) => {
      if (!seen.has(name)) found.push(performance.now() - started);
      seen.add(name);
    });
  }
  return found;
}

/**
 * Has another tenant deploy what fails; resolves when it is waited for.
 *
 * @param atOnce how many can be waited for at a time
 */
async function makeNoise(bench: Bench, atOnce: number): Promise<void> {
  const names = Array.from({ length: failing }, (_, at) => `broken-${at}`);
  const files = Object.fromEntries(names.map((name) => [`${name}/app.yaml`, brokenApp(name)]));
  await bench.git.createRepo(noisy, files);
  await bench.apply(tenant(noisy));
  const waiting = untilAll<KubeObject>(bench, {
    resource: resourceOf(kustomizationKind),
    namespace: noisy,
    count: Math.min(failing, atOnce),
    // Flux says so in Reconciling alone.
    isDone: (object) => conditionsOf(object).some(({ message }) => /health check/i.test(message)),
  });
  await bench.apply([
    {
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind: 'GitRepository',
      metadata: { name: noisy, namespace: noisy },
      spec: { interval: '1h', url: bench.git.url(noisy), ref: { branch: 'main' } },
    } as KubeObject,
    ...names.map((name) =>
      appKustomization({
        name,
        namespace: noisy,
        sourceKind: 'GitRepository',
        sourceName: noisy,
        path: `./${name}`,
      }),
    ),
  ]);
  await waiting;
}

async function benchNoise(bench: Bench, { name, start }: Contestant): Promise<void> {
  const fleet = await createFleet(bench, { count, namespace: 'healthy' });
  await start({ defaultConcurrency: true });
  console.log(`${name}: waiting for ${count} Kustomizations to be Ready`);
  await fleet.install();
  console.log(`${name}: measuring ${rounds} commits`);
  const idle = await times(fleet, 2);
  console.log(`${name}: waiting until ${failing} others fail to become healthy`);
  await makeNoise(bench, name === 'Flux' ? slots : failing);
  console.log(`${name}: measuring ${rounds} commits beside them`);
  const disturbed = await times(fleet, 2 + rounds);
  const [base, p95] = [percentile(idle, 95), percentile(disturbed, 95)];
  console.log(
    `${name}: time to Ready of ${count} healthy Kustomizations beside ${failing} failing ones: p95 ${p95.toFixed(0)} ms = ${(p95 / base).toFixed(2)} × without them (${base.toFixed(0)} ms)`,
  );
}

await withContestants(benchNoise);
