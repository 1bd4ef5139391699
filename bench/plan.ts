// npm run bench -- plan [--n 500] [--turns 10]: what a plan costs that waits for an approval, of a change of one of N
// Kustomizations of four objects. The baseline is the same with the mode Automatic, until it is applied: commits that
// all of them look at and that change one, and changes of the spec of one, one after the other.
import { setTimeout as delay } from 'node:timers/promises';
import { type Kustomization, kustomizationKind } from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import { resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import { type Controllers, until } from '@sluice/testing';
import { createFleet, type Fleet } from './fleet.ts';
import { untilAll } from './measure.ts';
import { argument, type Bench, percentile, withBench } from './setup.ts';

const count = Number(argument('n', '500'));
const turns = Math.min(Number(argument('turns', '10')), Math.floor((count - 1) / 2));
const commits = 3;
const namespace = 'plan';
const resource = resourceOf(kustomizationKind);
const timeoutMs = 60_000;
/** Events are sent a little after the status. */
const settleMs = 3000;

/** What work has cost. */
interface Cost {
  milliseconds: number[];
  /** Of kustomize-controller, for all turns together. */
  cpuSeconds: number;
}

/** Gets something ready and returns what is to be timed. */
type Turn = () => Promise<() => Promise<void>>;

const hasPlan = ({ status }: Kustomization) => status?.plan !== undefined;
const isPlanned = (object: Kustomization) =>
  object.status?.observedGeneration === object.metadata.generation &&
  object.status?.held?.reason === 'Approval' &&
  hasPlan(object);

async function costOf(controllers: Controllers, turns: Turn[]): Promise<Cost> {
  await delay(settleMs);
  const usage = () => controllers.processes['kustomize-controller'].usage();
  const { cpuSeconds } = await usage();
  const milliseconds: number[] = [];
  for (const turn of turns) {
    const work = await turn();
    const started = performance.now();
    await work();
    milliseconds.push(performance.now() - started);
  }
  return { milliseconds, cpuSeconds: (await usage()).cpuSeconds - cpuSeconds };
}

function patch(bench: Bench, name: string, spec: object): Promise<unknown> {
  return bench.client.patch(resource, { namespace, name }, { spec }, { type: 'merge' });
}

/** Has one Kustomization deploy another image, and waits for what comes of it. */
function changeOf(bench: Bench, name: string, isDone: (object: Kustomization) => boolean): Turn {
  const key = { namespace, name };
  const images = [{ name: 'registry.example.com/app', newTag: '9.0.0' }];
  return async () => {
    const { generation = 0 } = (await bench.client.get(resource, key)).metadata;
    const isNewer = ({ metadata }: Kustomization) => (metadata.generation ?? 0) > generation;
    return async () => {
      const isChanged = (object: Kustomization) => isNewer(object) && isDone(object);
      const done = until<Kustomization>(bench.client, resource, key, isChanged, { timeoutMs });
      await patch(bench, name, { images });
      await done;
    };
  };
}

/** Has a commit to one application looked at, and waits until that waits for its approval and all others are at the commit. */
async function planCommit(bench: Bench, fleet: Fleet, sha: string): Promise<void> {
  const planned = untilAll<Kustomization>(bench, {
    resource,
    namespace,
    count,
    isDone: (object) => {
      const { lastAppliedRevision = '', plan } = object.status ?? {};
      const isAt = lastAppliedRevision.endsWith(sha) && isReady(object);
      return isAt || (isPlanned(object) && plan?.revision.endsWith(sha) === true);
    },
  });
  await fleet.lookForCommits();
  await planned;
  const { items } = await bench.client.list<Kustomization>(resource, { namespace });
  const plans = items.filter(hasPlan).length;
  if (plans !== 1) throw new Error(`${plans} plans wait, where one change was committed`);
}

async function holdChanges(bench: Bench, fleet: Fleet): Promise<void> {
  const held = untilAll<Kustomization>(bench, {
    resource,
    namespace,
    count,
    isDone: (object) => isReady(object) && object.status?.change !== undefined,
  });
  await mapConcurrently([...fleet.names], 20, (name) =>
    patch(bench, name, { changePolicy: { mode: 'Approve' } }),
  );
  await held;
}

function report(title: string, planned: Cost, applied: Cost): void {
  const [plan, apply] = [planned, applied].map((cost) => percentile(cost.milliseconds, 50));
  const [planCpu, applyCpu] = [planned, applied].map(
    (cost) => (1000 * cost.cpuSeconds) / cost.milliseconds.length,
  );
  const ratio = (a = 0, b = 0) => (a / b).toFixed(2);
  console.log(
    `${title}: p50 ${plan?.toFixed(0)} ms, ${ratio(plan, apply)} × applied (${apply?.toFixed(0)} ms); kustomize-controller ${planCpu?.toFixed(0)} ms CPU, ${ratio(planCpu, applyCpu)} × applied (${applyCpu?.toFixed(0)} ms), of ${planned.milliseconds.length}`,
  );
}

await withBench(async (bench) => {
  const fleet = await createFleet(bench, { count, namespace });
  const controllers = await bench.controllers({ 'kustomize-controller': ['--concurrent=20'] }, [
    'source-controller',
    'kustomize-controller',
  ]);
  await fleet.install();
  const [committed = '', ...others] = fleet.names;
  const commitsOf = (roll: (sha: string) => Promise<void>) => {
    const turn = async () => {
      const sha = await fleet.commit([committed], `2.0.${version++}`);
      return () => roll(sha);
    };
    return costOf(controllers, Array(commits).fill(turn));
  };
  const changesOf = (names: string[], isDone: (object: Kustomization) => boolean) =>
    costOf(
      controllers,
      names.map((name) => changeOf(bench, name, isDone)),
    );
  let version = 0;

  const appliedCommits = await commitsOf((sha) => fleet.roll(sha));
  const applied = await changesOf(others.slice(0, turns), isReady);
  await holdChanges(bench, fleet);
  const plannedCommits = await commitsOf((sha) => planCommit(bench, fleet, sha));
  const planned = await changesOf(others.slice(turns, 2 * turns), isPlanned);

  report(`a plan of a commit to one of ${count} paths`, plannedCommits, appliedCommits);
  report(`a plan of a change of one of ${count} specs`, planned, applied);
});
