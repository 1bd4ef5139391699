import type { KubeObject } from '@sluice/shared/api';
import { cut, errorMessage } from '@sluice/shared/base';
import { displayName } from '@sluice/shared/engine';
import { ApiError, coreResources } from '@sluice/shared/kube';
import type { ActionContext } from './context.ts';

/** Lines read of each container. */
const maxLines = 20;
/** Bytes read of each container. */
const maxBytes = 8192;
/** Containers whose logs are read: those of the newest Pods. */
const maxContainers = 4;
/** Characters kept of how a container ended; its program may have left a long message. */
const maxStateLength = 500;
/** Milliseconds for one log; its node may not answer. */
const timeoutMs = 5000;

interface ContainerState {
  terminated?: { exitCode?: number; reason?: string; message?: string };
  waiting?: { reason?: string; message?: string };
}

interface ContainerStatus {
  name: string;
  state?: ContainerState;
}

interface Pod extends KubeObject {
  spec?: { containers?: { name: string }[]; initContainers?: { name: string }[] };
  status?: { containerStatuses?: ContainerStatus[]; initContainerStatuses?: ContainerStatus[] };
}

/** The end of what a container has written. */
export interface ContainerLog {
  pod: string;
  container: string;
  /** How the container ended or why it did not start; the empty string when it runs. */
  state: string;
  /** Masked; undefined when it could not be read. */
  lines: string[] | undefined;
  /** Why it could not be read. */
  problem: string;
}

/**
 * Reads the last lines that the Pods of a hook have written: a Pod itself, or those of a Job, newest first. What cannot
 * be read is named instead.
 *
 * @throws the signal's reason when aborted, nothing else
 */
export async function readHookLogs(
  ctx: ActionContext,
  object: KubeObject,
): Promise<ContainerLog[]> {
  let pods: Pod[];
  try {
    pods = await podsOf(ctx, object);
  } catch (error) {
    ctx.signal.throwIfAborted();
    const problem = `its Pods could not be read: ${errorMessage(error)}`;
    return [{ pod: displayName(object), container: '', state: '', lines: undefined, problem }];
  }
  const containers = pods
    .toSorted((a, b) => createdAt(b) - createdAt(a))
    .flatMap((pod) => containersOf(pod).map((name) => ({ pod, name })));
  return Promise.all(
    containers.slice(0, maxContainers).map(({ pod, name }) => readLog(ctx, pod, name)),
  );
}

/** Tells the logs in lines that can follow a message. */
export function describeLogs(logs: readonly ContainerLog[]): string {
  return logs
    .map(({ pod, container, state, lines, problem }) => {
      const of = container === '' ? pod : `container ${container} of ${pod}`;
      const ended = state === '' ? '' : ` (${state})`;
      if (lines === undefined) return `\n${of}${ended}: ${problem}`;
      if (lines.length === 0) return `\n${of}${ended} wrote nothing`;
      return `\nlast log lines of ${of}${ended}:${lines.map((line) => `\n  ${line}`).join('')}`;
    })
    .join('');
}

async function podsOf(ctx: ActionContext, { kind, metadata }: KubeObject): Promise<Pod[]> {
  const { client, signal } = ctx;
  const { namespace, name } = metadata;
  if (kind === 'Pod') return [await client.get<Pod>(coreResources.pods, metadata, { signal })];
  if (kind !== 'Job') return [];
  const labelSelector = `job-name=${name}`;
  const { items } = await client.list<Pod>(coreResources.pods, {
    namespace,
    labelSelector,
    signal,
  });
  return items;
}

function createdAt({ metadata }: KubeObject): number {
  return Date.parse(metadata.creationTimestamp ?? '') || 0;
}

function containersOf({ spec }: Pod): string[] {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map(({ name }) => name);
}

async function readLog(ctx: ActionContext, pod: Pod, container: string): Promise<ContainerLog> {
  const { client, signal, masker } = ctx;
  const { namespace, name } = pod.metadata;
  const found = { pod: displayName(pod), container, state: masker.mask(stateOf(pod, container)) };
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/log`;
  const query = { container, tailLines: String(maxLines), limitBytes: String(maxBytes) };
  try {
    const headers = { accept: '*/*' };
    const text = await client.request('GET', path, { query, headers, timeoutMs, signal });
    // Not every server keeps to limitBytes.
    const kept = asText(text).slice(-maxBytes);
    return { ...found, lines: linesOf(masker.mask(kept)), problem: '' };
  } catch (error) {
    signal.throwIfAborted();
    const reason = error instanceof ApiError ? error.message : `no answer (${errorMessage(error)})`;
    return { ...found, lines: undefined, problem: `its log could not be read: ${reason}` };
  }
}

/** A log that happens to be JSON arrives parsed. */
function asText(answer: unknown): string {
  return typeof answer === 'string' ? answer : JSON.stringify(answer ?? '');
}

function linesOf(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line.trim() !== '');
}

function stateOf({ status }: Pod, container: string): string {
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const state = statuses.find(({ name }) => name === container)?.state;
  const { terminated, waiting } = state ?? {};
  if (terminated !== undefined) {
    const why = [terminated.reason, terminated.message].filter(Boolean).join(': ');
    return cut(
      `ended with exit code ${terminated.exitCode ?? 0}${why === '' ? '' : `, ${why}`}`,
      maxStateLength,
    );
  }
  return cut([waiting?.reason, waiting?.message].filter(Boolean).join(': '), maxStateLength);
}
