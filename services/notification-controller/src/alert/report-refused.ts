import type { KubeObject } from '@sluice/shared/api';
import type { Logger } from '@sluice/shared/base';
import { type Informer, keyOf } from '@sluice/shared/kube';
import type { EventRecorder } from '@sluice/shared/runtime';

/** Tells the author of an Alert or Provider without usable spec, in a Kubernetes Event. */
export function reportRefused<T extends KubeObject>(
  informer: Informer<T>,
  o: { events: EventRecorder; logger: Logger },
): void {
  informer.onRefused(({ type, object, previous, problem }) => {
    const isNew = previous?.metadata.generation !== object.metadata.generation;
    if (type === 'deleted' || !isNew) return;
    const { kind } = object;
    o.logger.warn({ controllerKind: kind, object: keyOf(object), problem }, 'An object is refused');
    void o.events.record(object, { severity: 'error', reason: 'InvalidConfig', message: problem });
  });
}
