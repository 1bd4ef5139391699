import { setTimeout as delay } from 'node:timers/promises';
import { finalizer, type KindDefinition, type KubeObject } from '@sluice/shared/api';
import { errorMessage, type Logger } from '@sluice/shared/base';
import { type Informer, type InformerEvent, type KubeClient, keyOf } from '@sluice/shared/kube';
import { hasFinalizer, removeFinalizer } from './finalizer.ts';

const retryMs = 5_000;

/**
 * Takes Flux's finalizer off objects that are being deleted. For kinds that we do not reconcile and Flux does, such as
 * Providers: after a move from Flux nobody else would, and they would never go.
 *
 * @param informer the objects; to be called before it starts
 * @param o.controllerName in whose name it is written
 */
export function letGo<T extends KubeObject>(
  informer: Informer<T>,
  o: { client: KubeClient; kind: KindDefinition<T>; controllerName: string; logger: Logger },
): void {
  const isHeld = (object: T | undefined) =>
    object?.metadata.deletionTimestamp !== undefined && hasFinalizer(object, finalizer);
  const find = (key: string) => informer.get(key) ?? informer.refused.get(key)?.object;
  const release = async (object: T) => {
    const key = keyOf(object.metadata);
    while (find(key)?.metadata.uid === object.metadata.uid) {
      try {
        await removeFinalizer({ ...o, object, finalizer });
        return;
      } catch (error) {
        o.logger.warn(
          { object: key, error: errorMessage(error) },
          'Finalizer could not be removed',
        );
      }
      await delay(retryMs, undefined, { ref: false });
    }
  };
  const look = ({ type, object, previous }: InformerEvent<T>) => {
    if (type !== 'deleted' && isHeld(object) && !isHeld(previous)) void release(object);
  };
  informer.onEvent(look);
  informer.onRefused(look);
}
