import type { AuditRecord } from '@sluice/shared/api';
import { cut, errorMessage } from '@sluice/shared/base';
import { auditRecords, type Bus } from '@sluice/shared/bus';
import { CliError, UsageError } from '../errors.ts';
import { oneLine } from '../output/clean.ts';
import { formatMarkdownTable } from '../output/markdown.ts';
import { print } from '../output/report.ts';
import { formatTable } from '../output/table.ts';
import { exitCodes, type Session } from '../session.ts';
import { targetKindOf } from '../target/target.ts';

const timeoutMs = 30_000;
/** Longest cell, in characters. */
const maxCell = 80;
const header = ['TIME', 'ACTION', 'PHASE', 'RESULT', 'REVISION', 'WHO', 'WHAT', 'WHY'];

/**
 * Lists the audit trail of the object that the command line names, the newest record first. The object may be gone.
 *
 * @returns the exit code
 * @throws UsageError without the address of NATS, CliError when the trail cannot be read
 */
export async function runAudit(session: Session): Promise<number> {
  const { args, nats, limit, output } = session.invocation;
  const [word = '', name = ''] = args;
  const object = { kind: targetKindOf(word), namespace: session.namespace, name };
  if (nats === undefined) throw new UsageError('audit needs --nats-url, the address of NATS');
  const bus = open(session, nats);
  try {
    const records = await read(bus, () =>
      auditRecords(bus, object, { limit, signal: AbortSignal.timeout(timeoutMs) }),
    );
    if (records.length === 0 && output !== 'json') {
      const what = oneLine(`${object.kind} ${object.namespace}/${name}`);
      session.terminal.note(`There are no records of ${what}.`);
      return exitCodes.done;
    }
    print(session, {
      text: () => formatTable(header, records.map(rowOf)),
      json: () => ({ items: records }),
      markdown: () => formatMarkdownTable(header, records.map(rowOf)),
    });
    return exitCodes.done;
  } finally {
    await bus.close();
  }
}

function open(session: Session, nats: NonNullable<Session['invocation']['nats']>): Bus {
  try {
    return session.openBus(nats);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(error.message, { cause: error });
  }
}

async function read<T>(bus: Bus, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { ready, lastError } = bus.status();
    const why = ready ? errorMessage(error) : (lastError ?? 'NATS does not answer');
    throw new CliError(`the audit trail cannot be read: ${why}`, { cause: error });
  }
}

function rowOf({ time, action, phase, result, revision, who, what, why }: AuditRecord): string[] {
  const users = who?.users ?? [];
  return [
    time,
    action,
    phase,
    result,
    revision,
    users.length > 0 ? users.join(', ') : (who?.author ?? who?.controller),
    whatText(what),
    why?.text ?? why?.window ?? why?.approvals?.join(', ') ?? why?.mode,
  ].map((cell) => cut(oneLine(cell), maxCell));
}

function whatText(what: AuditRecord['what']): string {
  const { objects = [], count } = what ?? {};
  const names = objects.map(({ kind, name, action }) => `${kind}/${name} ${action}`);
  if (names.length === 0) return count === undefined ? '' : `${count} objects`;
  return count === undefined || count === names.length
    ? names.join(', ')
    : `${count} objects: ${names.join(', ')}`;
}
