import type { Holding } from '../holding.ts';
import { recordRollback } from '../record-decisions.ts';
import type { RollbackRequest } from './rollback-request.ts';

/**
 * Notes that it is gone back because somebody asked for it: in the audit trail, in an event and in status.rollback. Written
 * with the next status, which has to be before the first write.
 *
 * @param o.message names both revisions
 * @param o.before digest or name of what is undone
 * @param o.after digest or name of what is gone back to
 */
export async function acceptRollback(
  holding: Holding,
  request: RollbackRequest,
  o: { message: string; before: string; after: string },
): Promise<void> {
  const message = holding.masker.mask(o.message);
  await recordRollback(holding, request, o);
  await tell(holding, { reason: 'RolledBack', message });
  const { requestedAt } = request;
  holding.ctx.status.status.rollback = { requestedAt, result: 'Accepted', message };
}

/** Notes, and tells, why it is not gone back; it has to be asked for anew. */
export async function refuseRollback(
  holding: Holding,
  { requestedAt, by }: RollbackRequest,
  why: string,
): Promise<void> {
  const whose = by === undefined ? '' : ` of ${by}`;
  const message = holding.masker.mask(`The rollback${whose} is refused: ${why}`);
  await tell(holding, { reason: 'RollbackRefused', message });
  holding.ctx.status.status.rollback = { requestedAt, result: 'Refused', message };
}

async function tell(
  { ctx, metadata }: Holding,
  what: { reason: string; message: string },
): Promise<void> {
  await ctx.event({ severity: 'error', ...what, metadata });
}
