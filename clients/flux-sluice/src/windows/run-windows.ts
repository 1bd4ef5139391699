import { type KubeObject, windowKind } from '@sluice/shared/api';
import { type ReadWindow, readWindow, windowSpan, windowVerdict } from '@sluice/shared/applier';
import { isKindMissing, resourceOf } from '@sluice/shared/kube';
import { CliError } from '../errors.ts';
import { oneLine } from '../output/clean.ts';
import { formatMarkdownTable } from '../output/markdown.ts';
import { print } from '../output/report.ts';
import { formatTable } from '../output/table.ts';
import { exitCodes, type Session } from '../session.ts';
import { findTarget, nameOf, type Target } from '../target/target.ts';

/** A Window as it is shown. */
interface ShownWindow {
  namespace?: string;
  name: string;
  kind?: string;
  schedule?: string;
  duration?: string;
  timeZone: string;
  /** Whether it is open; null when it cannot be read. */
  open: boolean | null;
  /** When that ends; undefined when it is not known. */
  until?: string;
  problem?: string;
}

interface FoundWindow {
  shown: ShownWindow;
  read: ReadWindow;
}

const header = ['NAMESPACE', 'NAME', 'KIND', 'SCHEDULE', 'DURATION', 'TIME ZONE', 'OPEN', 'UNTIL'];

/**
 * Lists the Windows of a namespace, or those that are for the object that the command line names.
 *
 * @returns the exit code: 2 when they hold changes of the object
 * @throws CliError, ApiError, ConnectionError
 */
export async function runWindows(session: Session): Promise<number> {
  const { args, clusterWindowsNamespace } = session.invocation;
  const target = args.length === 0 ? undefined : await findTarget(session);
  const namespaces = new Set([session.namespace, clusterWindowsNamespace]);
  const found: FoundWindow[] = [];
  for (const namespace of namespaces) {
    if (namespace !== undefined) found.push(...(await windowsOf(session, namespace)));
  }
  if (target === undefined) {
    report(session, found, undefined);
    return exitCodes.done;
  }
  const own = found.filter(({ read }) => read.selects(target.metadata.labels));
  return report(session, own, target);
}

async function windowsOf(session: Session, namespace: string): Promise<FoundWindow[]> {
  try {
    const { items } = await session.client.list<KubeObject>(resourceOf(windowKind), { namespace });
    return items.map((window) => found(window, session.now()));
  } catch (error) {
    if (!isKindMissing(error)) throw error;
    throw new CliError('the cluster does not serve the kind Window: it has no change control', {
      cause: error,
    });
  }
}

function found(window: KubeObject, nowMs: number): FoundWindow {
  const read = readWindow(window);
  const { spec } = window as { spec?: Record<string, unknown> | null };
  const text = (name: string) => (spec?.[name] === undefined ? undefined : String(spec[name]));
  const span = windowSpan(read, nowMs);
  const shown: ShownWindow = {
    namespace: window.metadata.namespace,
    name: window.metadata.name,
    kind: text('kind'),
    schedule: text('schedule'),
    duration: text('duration'),
    timeZone: text('timeZone') ?? 'UTC',
    open: span?.isOpen ?? null,
    ...(span?.ends && { until: timeText(span.untilMs) }),
    ...('problem' in read.opens && { problem: read.opens.problem }),
  };
  return { shown, read };
}

/** Prints the list, and what it means for an object; returns the exit code. */
function report(session: Session, windows: FoundWindow[], target: Target | undefined): number {
  const shown = windows.map((one) => one.shown);
  const verdict =
    target &&
    windowVerdict(
      windows.map(({ read }) => read),
      session.now(),
    );
  const held = verdict?.open === false ? oneLine(verdict.message) : undefined;
  const rows = shown.map(rowOf);
  if (session.invocation.output !== 'json') note(session, { shown, target, held });
  if (rows.length > 0 || session.invocation.output === 'json') {
    print(session, {
      text: () => formatTable(header, rows),
      json: () => ({ items: shown, ...(target && { held: held ?? null }) }),
      markdown: () => formatMarkdownTable(header, rows),
    });
  }
  return held === undefined ? exitCodes.done : exitCodes.changes;
}

interface Noted {
  shown: ShownWindow[];
  target: Target | undefined;
  held: string | undefined;
}

function note({ terminal, namespace }: Session, { shown, target, held }: Noted): void {
  if (target !== undefined) {
    const what = held ?? 'no Window holds changes now';
    terminal.note(`${nameOf(target)}: ${what}`);
  } else if (shown.length === 0) terminal.note(`There are no Windows in ${oneLine(namespace)}.`);
  for (const { name, problem } of shown) {
    if (problem !== undefined) terminal.note(oneLine(`Window ${name} cannot be read: ${problem}`));
  }
}

function rowOf(window: ShownWindow): string[] {
  const { namespace = '', name, kind = '', schedule = '', duration = '', timeZone } = window;
  const open = window.open === null ? 'Unknown' : window.open ? 'True' : 'False';
  return [namespace, name, kind, schedule, duration, timeZone, open, window.until ?? ''];
}

function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
