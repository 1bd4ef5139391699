import type { KubeObject } from '@sluice/shared/api';
import { errorMessage } from '@sluice/shared/base';
import { displayName } from '@sluice/shared/engine';
import { coreResources } from '@sluice/shared/kube';
import type { ActionContext } from './context.ts';

/** Most workloads whose Pods are looked at, and most Pods that are told of each. */
const maxWorkloads = 3;
const maxPods = 3;

/** Kinds that make Pods which carry the labels of their selector. */
const podOwners = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet']);

interface Workload extends KubeObject {
  spec?: { selector?: { matchLabels?: Record<string, string> } };
}

interface ContainerStatus {
  name: string;
  ready?: boolean;
  state?: {
    waiting?: { reason?: string; message?: string };
    terminated?: { reason?: string; exitCode?: number };
  };
}

interface Pod extends KubeObject {
  status?: {
    phase?: string;
    initContainerStatuses?: ContainerStatus[];
    containerStatuses?: ContainerStatus[];
    conditions?: { type: string; status: string; message?: string }[];
  };
}

/**
 * Tells what keeps the Pods of workloads from being ready, as lines that can follow a message; the empty string when
 * nothing is to be found. Made for failures: one request for each of a few workloads.
 *
 * @throws the signal's reason when aborted, nothing else
 */
export async function explainPods(
  ctx: ActionContext,
  objects: readonly KubeObject[],
): Promise<string> {
  const workloads = objects.filter(({ kind }) => podOwners.has(kind)).slice(0, maxWorkloads);
  const lines = await Promise.all(workloads.map((workload) => explain(ctx, workload)));
  return ctx.masker.mask(lines.flat().join(''));
}

async function explain(ctx: ActionContext, workload: Workload): Promise<string[]> {
  const labels = Object.entries(workload.spec?.selector?.matchLabels ?? {});
  if (labels.length === 0) return [];
  const { client, signal } = ctx;
  const { namespace } = workload.metadata;
  const labelSelector = labels.map(([key, value]) => `${key}=${value}`).join();
  try {
    const { items } = await client.list<Pod>(coreResources.pods, {
      namespace,
      labelSelector,
      signal,
    });
    return items
      .map((pod) => ({ pod, problem: problemOf(pod) }))
      .filter(({ problem }) => problem !== undefined)
      .slice(0, maxPods)
      .map(({ pod, problem }) => `\n${displayName(pod)}: ${problem}`);
  } catch (error) {
    signal.throwIfAborted();
    return [`\nthe Pods of ${displayName(workload)} could not be read: ${errorMessage(error)}`];
  }
}

function problemOf({ status = {} }: Pod): string | undefined {
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  for (const { name, ready, state } of containers) {
    const { waiting, terminated } = state ?? {};
    if (waiting?.reason && waiting.reason !== 'PodInitializing')
      return `container ${name} waits: ${[waiting.reason, waiting.message].filter(Boolean).join(': ')}`;
    if (terminated && !ready && terminated.exitCode !== 0)
      return `container ${name} ended with exit code ${terminated.exitCode} (${terminated.reason})`;
  }
  const unmet = status.conditions?.find((c) => c.status === 'False' && c.message);
  if (unmet !== undefined) return `${unmet.type} is False: ${unmet.message}`;
  return status.phase === 'Pending' ? 'its containers have not started' : undefined;
}
