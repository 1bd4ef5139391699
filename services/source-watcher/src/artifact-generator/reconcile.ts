import { ReconcileError } from '@sluice/shared/base';
import { keyOf } from '@sluice/shared/kube';
import { done, type Outcome, progressingReason } from '@sluice/shared/runtime';
import { succeededReason } from '../names.ts';
import { checkSpec } from './check-spec.ts';
import { composeOutputs } from './compose-outputs.ts';
import type { GeneratorContext, GeneratorDeps } from './deps.ts';
import { findCurrent, isSettled } from './find-current.ts';
import { type ObservedSources, observeSources } from './observe-sources.ts';
import { entryOf, type InventoryEntry, type Output, outputKind, ownerOf } from './outputs.ts';
import { planOutputs } from './plan-outputs.ts';
import { pruneOutputs } from './prune-outputs.ts';
import { publishOutput, refuseHeld } from './publish-output.ts';
import type { OutputRequest } from './requests.ts';

/**
 * Keeps the ExternalArtifacts of an ArtifactGenerator as its sources make them: composes them when anything is new, and
 * corrects what others have changed.
 */
export async function reconcileGenerator(
  context: GeneratorContext,
  deps: GeneratorDeps,
): Promise<Outcome> {
  const { object } = context;
  checkSpec(object, deps);
  const sources = await observeSources(object, deps);
  const { uid = '', generation } = object.metadata;
  const work = { owner: uid, input: `${generation} ${sources.digest}` };
  await deps.refused.run(work, async () => {
    const requests = await planOutputs(context, deps, sources);
    const current = await findCurrent(object, deps, { requests, sources });
    if (current === undefined) await makeAnew(context, deps, { requests, sources });
    else await publish(context, deps, current);
  });
  return done();
}

interface Plan {
  requests: readonly OutputRequest[];
  sources: ObservedSources;
}

async function makeAnew(context: GeneratorContext, deps: GeneratorDeps, plan: Plan): Promise<void> {
  const { object, status } = context;
  for (const { name } of plan.requests) {
    refuseHeld(object, deps.outputs.get(keyOf(ownerOf(object, name))), deps);
  }
  const { outputs, failure } = await composeOutputs(context, deps, plan);
  const before = object.status?.inventory ?? [];
  const made = outputs.map((output) => entryOf(object, output));
  await writeDown(context, made);
  await publish(context, deps, outputs);
  const wanted = new Set(plan.requests.map(({ name }) => name));
  await pruneOutputs(
    context,
    deps,
    before.filter(({ name }) => !wanted.has(name)),
  );
  // What could not be composed keeps what it had.
  const kept = before.filter(({ name }) => wanted.has(name) && !has(made, name));
  status.status.inventory = [...made, ...kept];
  await tell(context, made);
  if (failure !== undefined) throw failure;
  status.status.observedSourcesDigest = plan.sources.digest;
  const message = `generated ${made.length} artifact${made.length === 1 ? '' : 's'}`;
  status.ready(succeededReason, message);
}

function has(entries: readonly InventoryEntry[], name: string): boolean {
  return entries.some((entry) => entry.name === name);
}

/** What is about to be made is written down before it is there, so that nothing is left behind. */
async function writeDown(
  { status }: GeneratorContext,
  made: readonly InventoryEntry[],
): Promise<void> {
  const before = status.status.inventory ?? [];
  const added = made.filter(({ name }) => !has(before, name));
  if (added.length === 0) return;
  status.status.inventory = [...before, ...added];
  status.reconciling(progressingReason, `publishing ${added.length} new artifacts`, {
    unready: true,
  });
  await status.patch();
}

async function publish(
  context: GeneratorContext,
  deps: GeneratorDeps,
  outputs: readonly Output[],
): Promise<void> {
  const { object } = context;
  const isNewSpec = !isSettled(object);
  const failures: ReconcileError[] = [];
  for (const output of outputs) {
    try {
      await publishOutput(context, deps, output, { isNewSpec });
    } catch (error) {
      if (!(error instanceof ReconcileError)) throw error;
      failures.push(error);
      continue;
    }
    const owner = ownerOf(object, output.request.name);
    await deps.store.garbageCollect(outputKind, owner, output.artifact);
  }
  // One that cannot be written does not keep the others from it.
  const [failure] = failures;
  if (failure !== undefined) throw failure;
}

/** One event for all that is new. */
async function tell(
  { object, event }: GeneratorContext,
  made: readonly InventoryEntry[],
): Promise<void> {
  const before = object.status?.inventory ?? [];
  const isOld = ({ name, digest }: InventoryEntry) =>
    before.some((entry) => entry.name === name && entry.digest === digest);
  const fresh = made.filter((entry) => !isOld(entry));
  if (fresh.length === 0) return;
  const list = fresh.map(({ namespace, name, digest }) => `${namespace}/${name} (${digest})`);
  await event({
    severity: 'info',
    reason: succeededReason,
    message: `external artifacts reconciled: ${list.join('\n')}`,
  });
}
