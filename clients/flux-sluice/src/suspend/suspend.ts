import {
  suspendByAnnotation,
  suspendReasonAnnotation,
  suspendUntilAnnotation,
} from '@sluice/shared/api';
import { parseDuration, parseTime } from '@sluice/shared/base';
import { UsageError } from '../errors.ts';
import { oneLine } from '../output/clean.ts';
import { print } from '../output/report.ts';
import { exitCodes, type Session } from '../session.ts';
import { annotate } from '../target/annotate.ts';
import { currentUser } from '../target/current-user.ts';
import { findTarget, nameOf, referenceOf } from '../target/target.ts';

/**
 * Suspends the object that the command line names, and annotates why, by whom and until when. What an earlier
 * suspension has left goes.
 *
 * @returns the exit code
 * @throws UsageError for an end that is none, CliError, ApiError, ConnectionError
 */
export async function runSuspend(session: Session): Promise<number> {
  const { reason, until } = session.invocation;
  const end = until === undefined ? undefined : endOf(until, session.now());
  const target = await findTarget(session);
  const by = await currentUser(session.client);
  const annotations = {
    [suspendReasonAnnotation]: reason ?? null,
    [suspendByAnnotation]: by,
    [suspendUntilAnnotation]: end ?? null,
  };
  await annotate(session, target, { annotations, spec: { suspend: true } });
  const text = `${nameOf(target)} is suspended by ${oneLine(by)}${end ? ` until ${end}` : ''}\n`;
  print(session, {
    text: () => text,
    json: () => ({ ...referenceOf(target), suspend: true, annotations }),
  });
  return exitCodes.done;
}

/**
 * Resumes the object that the command line names, and takes the annotations of the suspension away.
 *
 * @returns the exit code
 * @throws CliError, ApiError, ConnectionError
 */
export async function runResume(session: Session): Promise<number> {
  const target = await findTarget(session);
  const annotations = {
    [suspendReasonAnnotation]: null,
    [suspendByAnnotation]: null,
    [suspendUntilAnnotation]: null,
  };
  await annotate(session, target, { annotations, spec: { suspend: false } });
  print(session, {
    text: () => `${nameOf(target)} is resumed\n`,
    json: () => ({ ...referenceOf(target), suspend: false }),
  });
  return exitCodes.done;
}

/** Returns the end of a suspension as the annotation wants it. */
function endOf(until: string, nowMs: number): string {
  const ms = parseTime(until) ?? nowMs + durationOf(until);
  if (Number.isNaN(new Date(ms).getTime())) throw noTime(until);
  if (ms <= nowMs) throw new UsageError(`--until '${until}' is over`);
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function durationOf(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw noTime(text, error);
  }
}

function noTime(text: string, cause?: unknown): UsageError {
  return new UsageError(
    `--until '${text}' is neither a time such as 2026-01-31T18:00:00Z nor a duration such as 2h`,
    { cause },
  );
}
