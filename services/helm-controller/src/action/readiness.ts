import type { KubeObject } from '@sluice/shared/api';
import {
  type AppliedChange,
  evaluateHealth,
  explainUnhealthy,
  type Health,
  type HealthRules,
  hasHealthRule,
  lacksValues,
  objectIdOf,
} from '@sluice/shared/engine';
import { gvkOf } from '@sluice/shared/kube';
import { type ActionContext, ActionError, type WaitOptions } from './context.ts';
import { legacyReadiness } from './legacy-readiness.ts';
import { type Awaited, NotReadyError, waitUntilReady } from './wait-ready.ts';

/** What is read of workloads here. */
interface Workload extends KubeObject {
  spec?: { paused?: boolean; suspend?: boolean; ttlSecondsAfterFinished?: number };
  status?: {
    phase?: string;
    startTime?: string;
    failed?: number;
    succeeded?: number;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
  };
}

/**
 * Waits until the objects of a release are ready, as the options ask.
 *
 * @param changes what applying them has returned
 * @throws ActionError naming each object that is not ready, and why, with what keeps them from being so
 */
export async function waitForRelease(
  ctx: ActionContext,
  changes: readonly AppliedChange[],
  options: WaitOptions & { timeoutMs: number },
): Promise<void> {
  if (options.disableWait) return;
  const judging = judgingOf(ctx.healthRules, options);
  const awaited: Awaited[] = [];
  for (const { object, action } of changes) {
    // A paused Deployment never gets ready; what is excluded from reconciliation is nobody's business.
    if (action === 'skipped' || isPaused(object)) continue;
    const resource = await ctx.client.mapper.resourceFor(gvkOf(object));
    awaited.push({ ...judging, object, resource, vanishes: vanishes(object) });
  }
  try {
    await waitUntilReady(ctx, awaited, options.timeoutMs);
  } catch (error) {
    if (!(error instanceof NotReadyError)) throw error;
    const unhealthy = error.objects.map((object) => ({
      id: objectIdOf(object),
      apiVersion: object.apiVersion,
    }));
    throw new ActionError(`${error.message}${await explainUnhealthy(unhealthy, ctx)}`);
  }
}

function judgingOf(
  rules: HealthRules,
  options: WaitOptions,
): Pick<Awaited, 'judge' | 'lacksValues'> {
  const checkJobs = !options.disableWaitForJobs;
  if (options.waitStrategy === 'legacy')
    return {
      judge: (object) => legacyReadiness(object, { checkJobs }),
      lacksValues: () => false,
    };
  const judge = (object: KubeObject): Health => {
    if (hasHealthRule(object, rules)) return evaluateHealth(object, rules);
    if (isApiService(object)) return { status: 'Current', message: 'it exists' };
    if (!isJob(object)) return evaluateHealth(object, rules);
    return checkJobs ? jobCompletion(object) : jobStart(object);
  };
  return { judge, lacksValues: (object) => lacksValues(object, rules) };
}

/**
 * Judges the object of a hook: Jobs and Pods have to end well, objects for whose kind there are health rules to be
 * current; everything else is ready once it exists.
 */
export function hookReadiness(object: KubeObject, rules: HealthRules): Health {
  if (hasHealthRule(object, rules)) return evaluateHealth(object, rules);
  if (isJob(object)) return jobCompletion(object);
  if (object.kind === 'Pod' && object.apiVersion === 'v1') return podCompletion(object);
  return { status: 'Current', message: 'it exists' };
}

/** Whether the object goes away by itself after it has ended. */
export function vanishes(object: KubeObject): boolean {
  return isJob(object) && (object as Workload).spec?.ttlSecondsAfterFinished !== undefined;
}

function isJob({ apiVersion, kind }: KubeObject): boolean {
  return kind === 'Job' && apiVersion.startsWith('batch/');
}

/** Helm does not wait for the server behind it, without which our other rules have it in progress. */
function isApiService({ apiVersion, kind }: KubeObject): boolean {
  return kind === 'APIService' && apiVersion.startsWith('apiregistration.k8s.io/');
}

function isPaused(object: KubeObject): boolean {
  const isDeployment = object.kind === 'Deployment' && object.apiVersion === 'apps/v1';
  return isDeployment && (object as Workload).spec?.paused === true;
}

function jobCompletion(job: Workload): Health {
  for (const { type, status, reason, message } of job.status?.conditions ?? []) {
    if (status !== 'True') continue;
    if (type === 'Complete') return { status: 'Current', message: 'Job completed' };
    if (type === 'Failed') {
      const why = [reason, message].filter(Boolean).join(': ');
      return { status: 'Failed', message: `Job failed${why === '' ? '' : `: ${why}`}` };
    }
  }
  return { status: 'InProgress', message: 'Job in progress' };
}

/** Judges a Job that need not complete. */
function jobStart(job: Workload): Health {
  const ended = jobCompletion(job);
  if (ended.status !== 'InProgress' || job.metadata.deletionTimestamp) return ended;
  if (job.spec?.suspend) return { status: 'Current', message: 'Job is suspended' };
  return job.status?.startTime
    ? { status: 'Current', message: 'Job has started' }
    : { status: 'InProgress', message: 'Job not started' };
}

function podCompletion(pod: Workload): Health {
  const phase = pod.status?.phase ?? '';
  if (phase === 'Succeeded') return { status: 'Current', message: 'Pod succeeded' };
  if (phase === 'Failed') return { status: 'Failed', message: 'Pod failed' };
  return { status: 'InProgress', message: `Pod in phase ${phase === '' ? 'unknown' : phase}` };
}
