import { type Receiver, type ReceiverStatus, receiverKind } from '@sluice/shared/api';
import { type Clock, errorMessage, type Logger, printable } from '@sluice/shared/base';
import { isNotFound, type KubeClient, keyOf, resourceOf } from '@sluice/shared/kube';
import { apiTime } from '@sluice/shared/runtime';

type LastCall = NonNullable<ReceiverStatus['lastCall']>;

/** Milliseconds between two writes about one Receiver. */
const everyMs = 10_000;
const maxReason = 512;

/** Notes how a call of a Receiver ended; never throws. */
export type NoteCall = (receiver: Receiver, call: Pick<LastCall, 'result' | 'reason'>) => void;

/**
 * Makes the function that writes the last call of each Receiver into its status: the first one at once, and of those
 * that follow within ten seconds the last one, so that a flood of calls is a write each ten seconds.
 */
export function createCallLog(o: {
  client: KubeClient;
  controllerName: string;
  clock: Clock;
  logger: Logger;
}): NoteCall {
  const resource = resourceOf(receiverKind);
  /** Of the Receivers that were written about a moment ago, what came since. */
  const held = new Map<string, (() => void) | undefined>();
  const write = (receiver: Receiver, lastCall: LastCall) => {
    const { name, namespace } = receiver.metadata;
    const options = {
      type: 'merge',
      subresource: 'status',
      fieldManager: `gotk-${o.controllerName}`,
    } as const;
    o.client
      .patch(resource, { name, namespace }, { status: { lastCall } }, options)
      .catch((error: unknown) => {
        if (isNotFound(error)) return;
        o.logger.warn(
          { error: errorMessage(error), controllerKind: 'Receiver', name, namespace },
          'The last call could not be written into the status',
        );
      });
  };
  const hold = (key: string) => {
    held.set(key, undefined);
    o.clock.setTimer(() => {
      const next = held.get(key);
      held.delete(key);
      next?.();
    }, everyMs);
  };
  return (receiver, { result, reason }) => {
    const key = keyOf(receiver);
    const lastCall = {
      time: apiTime(o.clock.now()),
      result,
      // Null takes an earlier one away.
      reason: (reason === undefined ? null : printable(reason).slice(0, maxReason)) as
        | string
        | undefined,
    };
    const act = () => {
      hold(key);
      write(receiver, lastCall);
    };
    if (held.has(key)) held.set(key, act);
    else act();
  };
}
