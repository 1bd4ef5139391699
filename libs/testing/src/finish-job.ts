import type { KubeObject } from '@sluice/shared/api';
import type { ApiResource, KubeClient, ObjectKey } from '@sluice/shared/kube';
import { until } from './until.ts';

const jobs: ApiResource = {
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  namespaced: true,
};

type Job = KubeObject & {
  spec?: { suspend?: boolean };
  status?: { startTime?: string; active?: number };
};

/** Says that a Job, whose Pods nothing runs, has ended; waits until there is such a Job and, unless it is suspended, its Pod. */
export async function finishJob(
  client: KubeClient,
  key: ObjectKey,
  end: 'Complete' | 'Failed' = 'Complete',
): Promise<void> {
  const isBegun = (o: Job) => o.spec?.suspend === true || o.status?.active === 1;
  const { status } = await until<Job>(client, jobs, key, isBegun);
  const now = new Date().toISOString();
  const condition = { status: 'True', lastProbeTime: now, lastTransitionTime: now };
  const types = end === 'Complete' ? ['SuccessCriteriaMet', end] : ['FailureTarget', end];
  const ended = {
    conditions: types.map((type) => ({ ...condition, type })),
    startTime: status?.startTime ?? now,
    active: 0,
    ready: 0,
    terminating: 0,
    ...(end === 'Complete' ? { completionTime: now, succeeded: 1 } : { failed: 1 }),
  };
  await client.patch(jobs, key, { status: ended }, { type: 'merge', subresource: 'status' });
}
