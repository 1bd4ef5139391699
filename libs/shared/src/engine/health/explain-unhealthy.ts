import type { KubeObject } from '@sluice/shared/api';
import { errorMessage, joinLines, type SecretMasker } from '@sluice/shared/base';
import { coreResources, gvkOf, isNotFound, type KubeClient } from '@sluice/shared/kube';
import { fieldAt, isMap, type JsonMap, mapsAt, stringAt } from '../object/object-fields.ts';
import { displayName, type ObjectId } from '../object/object-id.ts';
import { problemOfPod } from './explain-pod.ts';
import { describeCondition, quoted } from './health-result.ts';

/** Most objects that are looked at, and most Pods that are told of each. */
const maxObjects = 3;
const maxPods = 3;
/** Milliseconds for all of it: a message that is late is of less use than a short one. */
const timeoutMs = 10_000;

/** Kinds that make Pods which carry the labels of their selector. */
const podOwners = new Set([
  'apps/Deployment',
  'apps/StatefulSet',
  'apps/DaemonSet',
  'apps/ReplicaSet',
  'batch/Job',
]);

/** Conditions that say why an object is not healthy, the most telling ones first. */
const telling = [
  { type: 'Stalled', statuses: ['True'] },
  { type: 'Failed', statuses: ['True'] },
  { type: 'ReplicaFailure', statuses: ['True'] },
  { type: 'Ready', statuses: ['False', 'Unknown'] },
  { type: 'Progressing', statuses: ['False'] },
  { type: 'Available', statuses: ['False'] },
];

/** An object that is not healthy. */
export interface Unhealthy {
  id: ObjectId;
  apiVersion: string;
}

/** With whose rights, how long, and what no message may hold. */
export interface ExplainOptions {
  client: KubeClient;
  signal: AbortSignal;
  masker: Pick<SecretMasker, 'mask'>;
}

/**
 * Tells what keeps objects from being healthy, as lines that can follow a message: the condition that says so, what is
 * the matter with their Pods, or else the last warning about them; the empty string when nothing is to be found. Made for
 * failures: three requests for each of a few objects, with the rights of the client.
 *
 * @throws the signal's reason when aborted, nothing else
 */
export async function explainUnhealthy(
  objects: readonly Unhealthy[],
  o: ExplainOptions,
): Promise<string> {
  const signal = AbortSignal.any([o.signal, AbortSignal.timeout(timeoutMs)]);
  const some = objects.slice(0, maxObjects);
  const lines = await Promise.all(some.map((object) => explain(object, { ...o, signal })));
  o.signal.throwIfAborted();
  const text = joinLines(lines.flat());
  return text === '' ? '' : `\n${o.masker.mask(text)}`;
}

/** Whatever goes wrong here must not hide what it is about. */
async function explain({ id, apiVersion }: Unhealthy, o: ExplainOptions): Promise<string[]> {
  const name = displayName(id);
  try {
    const { client, signal } = o;
    const resource = await client.mapper.resourceFor(gvkOf({ apiVersion, kind: id.kind }));
    const key = resource.namespaced ? id : { name: id.name };
    const live = await client.get<KubeObject>(resource, key, { signal });
    const own = conditionLine(live);
    const pods = await podLines(live, o);
    const events = pods.length > 0 ? [] : await eventLines(live, o);
    return [...own, ...pods, ...events];
  } catch (error) {
    return isNotFound(error) ? [] : [`${name} could not be read: ${quoted(errorMessage(error))}`];
  }
}

function conditionLine(object: KubeObject): string[] {
  const conditions = mapsAt(object, 'status', 'conditions');
  for (const { type, statuses } of telling) {
    const found = conditions.find(
      (each) => each['type'] === type && statuses.includes(String(each['status'])),
    );
    if (found !== undefined) return [`${displayName(object)}: ${describeCondition(found)}`];
  }
  return [];
}

async function podLines(object: KubeObject, o: ExplainOptions): Promise<string[]> {
  const { group, kind } = gvkOf(object);
  if (group === '' && kind === 'Pod') return podLine(object);
  const labels = fieldAt(object, 'spec', 'selector', 'matchLabels');
  if (!podOwners.has(`${group}/${kind}`) || !isMap(labels)) return [];
  const labelSelector = Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join();
  if (labelSelector === '') return [];
  const { namespace } = object.metadata;
  try {
    const { items } = await o.client.list<KubeObject>(coreResources.pods, {
      namespace,
      labelSelector,
      signal: o.signal,
    });
    const present = items.filter(({ metadata }) => !metadata.deletionTimestamp);
    return present.flatMap(podLine).slice(0, maxPods);
  } catch (error) {
    const why = quoted(errorMessage(error));
    return [`the Pods of ${displayName(object)} could not be read: ${why}`];
  }
}

function podLine(pod: KubeObject): string[] {
  const problem = problemOfPod(pod);
  return problem === undefined ? [] : [`${displayName(pod)}: ${problem}`];
}

/** Events come on top of the status, so that nobody needs the right to read them. */
async function eventLines(object: KubeObject, o: ExplainOptions): Promise<string[]> {
  const { namespace, uid } = object.metadata;
  if (namespace === undefined) return [];
  try {
    const { items } = await o.client.list<KubeObject>(coreResources.events, {
      namespace,
      fieldSelector: `involvedObject.uid=${uid},type=Warning`,
      signal: o.signal,
    });
    const [last] = items.map(asMap).sort((a, b) => timeOf(b) - timeOf(a));
    if (last === undefined) return [];
    const [reason, message] = ['reason', 'message'].map((field) => stringAt(last, [field]));
    return [`${displayName(object)}: ${reason}: ${quoted(message ?? '')}`];
  } catch {
    return [];
  }
}

function asMap(event: KubeObject): JsonMap {
  return { ...event };
}

/** Returns when an event was last seen; those of the newer API have another field for it. */
function timeOf(event: JsonMap): number {
  const time = stringAt(event, ['lastTimestamp']) || stringAt(event, ['eventTime']);
  return Date.parse(time) || 0;
}
