import type { Alert, FluxEvent, Provider } from '@sluice/shared/api';
import type { Logger } from '@sluice/shared/base';
import { eventKey } from '../event/event-key.ts';
import { type MatchContext, matchAlerts } from '../event/match.ts';
import {
  changeRequestKey,
  cleanMetadata,
  combineMetadata,
  commitKey,
  isAnnotated,
  isCommitStatusUpdate,
} from '../event/metadata.ts';
import type { ProviderType } from '../provider/adapter.ts';
import {
  takesCommitStatusUpdates,
  writesComment,
  writesCommitStatus,
} from '../provider/type-groups.ts';
import type { Delivery } from './delivery.ts';

export interface DispatchContext extends MatchContext {
  providerOf: (key: string) => Provider | undefined;
}

/**
 * Finds out to whom an event goes.
 *
 * @param id identifies this occurrence of the event
 * @throws when the API server cannot answer now
 */
export async function dispatch(
  event: FluxEvent,
  id: string,
  context: DispatchContext,
): Promise<Delivery[]> {
  if (event.severity === 'trace') return [];
  const cleaned = cleanMetadata(event);
  const alerts = await matchAlerts(cleaned, context);
  const key = eventKey(cleaned);
  return alerts
    .filter((alert) => providerWants(alert, cleaned, context))
    .map((alert) => deliveryTo(alert, { event: cleaned, id, key }, context.logger));
}

/** A Provider that is missing is not a reason to lose the event: it may come in a moment. */
function providerWants(alert: Alert, event: FluxEvent, context: DispatchContext): boolean {
  const provider = context.providerOf(`${alert.metadata.namespace}/${alert.spec.providerRef.name}`);
  if (provider === undefined) return true;
  if (provider.spec.suspend) return false;
  return typeWants(provider.spec.type, event);
}

/**
 * Commits get their statuses from failures, and from successes that name the commit; change requests get comments
 * about what names them.
 */
function typeWants(type: ProviderType, event: FluxEvent): boolean {
  if (isCommitStatusUpdate(event)) return takesCommitStatusUpdates(type);
  if (writesComment(type)) return isAnnotated(event, changeRequestKey);
  if (!writesCommitStatus(type)) return true;
  return event.severity === 'error' || isAnnotated(event, commitKey);
}

/** Makes the delivery of a cleaned event to an alert. */
export function deliveryTo(
  alert: Alert,
  o: { event: FluxEvent; id: string; key: string },
  logger: Logger,
): Delivery {
  const { namespace = '', name } = alert.metadata;
  const { event, facts, conflicts } = combineMetadata(o.event, alert);
  if (conflicts.length > 0) {
    logger.info(
      { alert: `${namespace}/${name}`, keys: conflicts },
      'Several sources give the same metadata keys',
    );
  }
  return {
    id: `${o.id}:${namespace}/${name}`,
    event,
    ...(Object.keys(facts).length > 0 && { facts }),
    alert: { namespace, name },
    provider: alert.spec.providerRef.name,
    key: o.key,
  };
}
