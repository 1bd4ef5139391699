import { type KubeObject, reconcileRequestAnnotation } from '@sluice/shared/api';
import { isNotFound } from '@sluice/shared/kube';
import { conditionsOf, isReady } from '@sluice/shared/runtime';
import { assertStatusContract, until, untilGone } from '@sluice/testing';
import { timeoutMs, type World } from '../world.ts';

/** A cluster, as part of a world or alone. */
export type Cluster = Pick<World, 'client' | 'resource'>;

/** Kinds that have no Ready condition. */
const silent = ['Alert', 'Provider', 'ExternalArtifact'];

/** Whether an object of the documentation can get Ready: one of our kinds that has conditions. */
export function getsReady({ apiVersion, kind, spec }: KubeObject & { spec?: { type?: string } }) {
  const isOurs = apiVersion.includes('.toolkit.fluxcd.io/');
  return isOurs && !silent.includes(kind) && !(kind === 'HelmRepository' && spec?.type === 'oci');
}

/** Waits until an object is Ready, and more if asked. */
export async function untilReady(
  world: Cluster,
  object: KubeObject,
  more: (object: KubeObject) => boolean = () => true,
): Promise<void> {
  const { name, namespace } = object.metadata;
  const isDone = (seen: KubeObject) => isReady(seen) && more(seen);
  const resource = await world.resource(object);
  assertStatusContract(
    await until<KubeObject>(world.client, resource, { name, namespace }, isDone, { timeoutMs }),
  );
}

/** Waits until an object is not Ready for a reason, with a text in the message. */
export async function untilReason(
  world: World,
  object: KubeObject,
  reason: string,
  text: string,
): Promise<void> {
  const { name, namespace } = object.metadata;
  const resource = await world.resource(object);
  const fails = (seen: KubeObject) => {
    const ready = conditionsOf(seen).find(({ type }) => type === 'Ready');
    return ready?.status === 'False' && ready.reason === reason && ready.message.includes(text);
  };
  await until<KubeObject>(world.client, resource, { name, namespace }, fails, { timeoutMs });
}

/** Asks for a reconcile of objects, as `flux reconcile` does. */
export async function requestReconcile(world: Cluster, ...objects: KubeObject[]): Promise<void> {
  for (const object of objects) {
    const annotations = { [reconcileRequestAnnotation]: new Date().toISOString() };
    const resource = await world.resource(object);
    await world.client.patch(
      resource,
      object.metadata,
      { metadata: { annotations } },
      { type: 'merge' },
    );
  }
}

/** Waits until an object is gone. */
export async function untilRemoved(world: World, object: KubeObject): Promise<void> {
  const { name, namespace } = object.metadata;
  const resource = await world.resource(object);
  await untilGone(world.client, resource, { name, namespace }, { timeoutMs });
}

/** Deletes an object, if it is there, and waits until it is gone. */
export async function remove(world: World, object: KubeObject): Promise<void> {
  const { name, namespace } = object.metadata;
  const resource = await world.resource(object);
  await world.client.delete(resource, { name, namespace }).catch((error) => {
    if (!isNotFound(error)) throw error;
  });
  await untilRemoved(world, object);
}
