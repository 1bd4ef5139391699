import type { WindowSpec } from '@sluice/shared/api';
import { readWindow } from '../../../../src/applier/change/windows/read-window.ts';
import {
  type WindowVerdict,
  windowVerdict,
} from '../../../../src/applier/change/windows/window-verdict.ts';
import { at, windowOf } from './windows-bed.ts';

/** What a test says of a Window; the rest is that of one which denies at night. */
export type Spec = Partial<WindowSpec>;

/** Returns the verdict of the Windows `w1`, `w2` and so on at a time such as `2026-03-29T02:30Z`. */
export function verdictAt(time: string, ...specs: Spec[]): WindowVerdict {
  const windows = specs.map((spec, index) => readWindow(windowOf(`w${index + 1}`, spec)));
  return windowVerdict(windows, at(time));
}

/** Says until when changes are held; `open`, or `never` when no end is found. */
export function heldUntil(time: string, ...specs: Spec[]): string {
  const verdict = verdictAt(time, ...specs);
  if (verdict.open) return 'open';
  if (verdict.untilMs === undefined) return 'never';
  return new Date(verdict.untilMs).toISOString().replace(':00.000', '');
}

export const night: Spec = { kind: 'Deny', schedule: '0 22 * * *', duration: '8h' };
export const day: Spec = { kind: 'Allow', schedule: '0 9 * * 1-5', duration: '8h' };
