// npm run bench -- monorepo [--n 500] [--flux]: what a commit to one of N paths of a repository costs: builds, downloads
// of the artifact, requests to the API server, as its audit log has them, and CPU. The baseline is `kubectl apply
// --server-side` of the one application; with `--flux`, the same with Flux's own controllers.
import { setTimeout as delay } from 'node:timers/promises';
import { auditedRequests } from '@sluice/testing';
import { appObjects, tenant } from './apps.ts';
import { type Contestant, compareCosts, withContestants } from './contestants.ts';
import { countDownloads, type DownloadCounter } from './download-counter.ts';
import { createFleet } from './fleet.ts';
import { kubectlApply } from './kubectl.ts';
import { type Cost, type Measured, measure, scrape, sumOf } from './measure.ts';
import { argument, type Bench, benchAgent } from './setup.ts';

const count = Number(argument('n', '500'));
const namespace = 'monorepo';
/** Events are sent a little after the status. */
const settleMs = 3000;

/** Requests in the namespace that are no look-ups, by verb and resource, besides those of the benchmark. */
async function writes(bench: Bench): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const request of await auditedRequests(bench.controlPlane.dir)) {
    const { verb, resource, userAgent } = request;
    if (request.namespace !== namespace || userAgent === benchAgent) continue;
    // What the control plane itself does for a Deployment is none of ours.
    if (request.user.startsWith('system:') && request.user !== 'system:admin') continue;
    if (['watch', 'list'].includes(verb)) continue;
    const what = `${verb} ${resource}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return counts;
}

interface Counted {
  downloads: number;
  requests: Map<string, number>;
  metrics: string;
}

async function counted(
  bench: Bench,
  measured: Measured,
  { downloads }: DownloadCounter,
): Promise<Counted> {
  await delay(settleMs);
  const url = measured.processes['kustomize-controller']?.metricsUrl ?? '';
  const metrics = await scrape(url);
  return { downloads, requests: await writes(bench), metrics };
}

function report(before: Counted, after: Counted): void {
  const requests = [...after.requests]
    .map(([what, n]) => `${what} ${n - (before.requests.get(what) ?? 0)}`)
    .filter((text) => !text.endsWith(' 0'));
  console.log(`  requests: ${requests.toSorted().join(', ')}`);
  const grown = (name: string, label = '') =>
    sumOf(after.metrics, name, label) - sumOf(before.metrics, name, label);
  const results = ['built', 'cached', 'unchanged', 'failed'].map(
    (result) => `${result} ${grown('sluice_kustomize_builds_total', `result="${result}"`)}`,
  );
  console.log(`  artifacts downloaded: ${after.downloads - before.downloads}`);
  if (after.metrics.includes('sluice_kustomize_builds_total'))
    console.log(`  builds: ${results.join(', ')}`);
}

async function benchMonorepo(
  bench: Bench,
  { name, start }: Contestant,
): Promise<Record<string, Cost>> {
  await bench.apply(tenant('baseline'));
  const fleet = await createFleet(bench, { count, namespace });
  const { kubeconfigPath } = bench.controlPlane;
  const objects = appObjects('app-0', '1.0.0', 'baseline');
  const baseline = await kubectlApply({ kubeconfigPath, dir: bench.dir, objects });
  const downloads = await countDownloads();
  bench.defer(() => downloads.close());
  const controllers = await start({ sourceArgs: [`--storage-adv-addr=${downloads.address}`] });
  downloads.serve(controllers.artifactUrl);
  console.log(`${name}: waiting for ${count} Kustomizations to be Ready`);
  await fleet.install();
  const sha = await fleet.commit(['app-0'], '2.0.0');
  const before = await counted(bench, controllers, downloads);
  const commit = await measure({
    title: `${name}, a commit to one of ${count} paths`,
    bench,
    controllers,
    baseline: { name: 'kubectl apply', seconds: baseline / 1000 },
    run: () => fleet.roll(sha),
  });
  report(before, await counted(bench, controllers, downloads));
  return { commit };
}

compareCosts(await withContestants(benchMonorepo, { audit: true }));
