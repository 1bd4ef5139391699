import type { ReadWindow } from './read-window.ts';
import type { WindowSearch, WindowSpan, WindowSpans } from './window-spans.ts';

/** Whether a change may be applied now, as Windows say. */
export type WindowVerdict = { open: true } | HeldByWindow;

/** Why and how changes are held. */
export interface HeldByWindow {
  open: false;
  /** When nothing holds any more, in milliseconds since the epoch; undefined when that is far, or never comes. */
  untilMs: number | undefined;
  /** Names the Windows, for a condition. */
  message: string;
  /** Names of those Windows, as `<namespace>/<name>`. */
  names: readonly string[];
  /** Whether what was begun before may go on. */
  overrun: boolean;
  /** Whether drift is only reported. */
  holdsDrift: boolean;
}

type ReadableWindow = ReadWindow & { opens: WindowSpans };

const dayMs = 24 * 3_600_000;
/** How far an end is looked for. */
const horizonMs = 400 * dayMs;
/** How often schedules are asked for one verdict. */
const maxSteps = 1000;
const maxNamed = 3;

/**
 * Says whether Windows hold changes, and until when: while one that denies is open, and while none of those that allow
 * is. Windows that follow upon each other, or overlap, hold together. One that cannot be read holds.
 *
 * @param windows those that are for the object
 * @param at milliseconds since the epoch
 */
export function windowVerdict(windows: readonly ReadWindow[], at: number): WindowVerdict {
  const unreadable = windows.filter(({ opens }) => 'problem' in opens);
  const timeline = new Timeline(windows.filter(isReadable), {
    horizonMs: at + horizonMs,
    steps: maxSteps,
  });
  const holding = timeline.holdersAt(at);
  const all = [...unreadable, ...holding];
  if (all.length === 0) return { open: true };
  const untilMs = unreadable.length > 0 ? undefined : timeline.freeAfter(at);
  return {
    open: false,
    untilMs,
    message: describe(unreadable, holding, untilMs),
    names: all.map(({ id }) => id),
    overrun: all.every(({ overrun }) => overrun),
    holdsDrift: all.some(({ holdsDrift }) => holdsDrift),
  };
}

/**
 * Says whether a Window is open, and until when at least it stays so or closed.
 *
 * @param at milliseconds since the epoch
 * @returns undefined of one that cannot be read
 */
export function windowSpan({ opens }: ReadWindow, at: number): WindowSpan | undefined {
  if ('problem' in opens) return undefined;
  return opens.at(at, { horizonMs: at + horizonMs, steps: maxSteps });
}

function isReadable(window: ReadWindow): window is ReadableWindow {
  return !('problem' in window.opens);
}

/** What several Windows are together. */
class Timeline {
  readonly #windows: readonly ReadableWindow[];
  readonly #search: WindowSearch;

  constructor(windows: readonly ReadableWindow[], search: WindowSearch) {
    this.#windows = windows;
    this.#search = search;
  }

  /** Returns those that hold changes at a time: the open ones that deny, or all that allow when none of them is open. */
  holdersAt(ms: number): ReadableWindow[] {
    const isOpen = (window: ReadableWindow) => this.#spanAt(window, ms).isOpen;
    const allowing = this.#windows.filter(({ isDeny }) => !isDeny);
    const isAllowed = allowing.length === 0 || allowing.some(isOpen);
    return this.#windows.filter((one) => (one.isDeny ? isOpen(one) : !isAllowed));
  }

  /** Returns when nothing holds any more; undefined when that is not found. */
  freeAfter(ms: number): number | undefined {
    let at: number | undefined = ms;
    for (let held = this.holdersAt(ms); held.length > 0; held = this.holdersAt(at)) {
      at = this.#firstEnd(held, at);
      if (at === undefined || at > this.#search.horizonMs) return undefined;
    }
    return at;
  }

  /** Returns until when these hold for certain: the denying ones all have to end, of the others one has to open. */
  #firstEnd(held: readonly ReadableWindow[], at: number): number | undefined {
    if (this.#search.steps <= 0) return undefined;
    const denying = held.filter(({ isDeny }) => isDeny).map((one) => this.#spanAt(one, at));
    if (denying.length > 0) {
      if (!denying.every(({ ends }) => ends)) return undefined;
      return Math.max(...denying.map(({ untilMs }) => untilMs));
    }
    const opening = held.map((one) => this.#spanAt(one, at)).filter(({ ends }) => ends);
    if (opening.length === 0) return undefined;
    return Math.min(...opening.map(({ untilMs }) => untilMs));
  }

  #spanAt({ opens }: ReadableWindow, ms: number): WindowSpan {
    return opens.at(ms, this.#search);
  }
}

function describe(
  unreadable: readonly ReadWindow[],
  holding: readonly ReadWindow[],
  untilMs: number | undefined,
): string {
  const [wrong] = unreadable;
  if (wrong !== undefined && 'problem' in wrong.opens)
    return `Window '${wrong.id}' holds changes because it cannot be read: ${wrong.opens.problem}`;
  const end = untilMs === undefined ? ', and no end is known' : ` until ${timeOf(untilMs)}`;
  const denying = holding.filter(({ isDeny }) => isDeny);
  if (denying.length === 1) return `${named(denying)} holds changes${end}`;
  if (denying.length > 1) return `${named(denying)} hold changes${end}`;
  const verb = holding.length === 1 ? 'is not open' : 'are not open';
  return `${named(holding)} ${verb}: changes wait${end}`;
}

function named(windows: readonly ReadWindow[]): string {
  const names = windows.slice(0, maxNamed).map(({ id }) => `'${id}'`);
  const left = windows.length - names.length;
  const more = left > 0 ? ` and ${left} more` : '';
  return `${windows.length === 1 ? 'Window' : 'Windows'} ${names.join(', ')}${more}`;
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
