import type { PlannedChange, PlannedObject } from '@sluice/shared/api';
import { oneLine, valueText } from '../output/clean.ts';
import { nameOf } from '../target/target.ts';
import { countsText, omittedText, type PlanView, plannedName } from './plan-view.ts';

function changeLine({ path, before, after }: PlannedChange): string {
  const from = before === undefined ? '(unset)' : valueText(before);
  const to = after === undefined ? '(removed)' : valueText(after);
  return `      ${oneLine(path)}: ${from} → ${to}`;
}

function objectLines(object: PlannedObject): string[] {
  const { action, note, changes = [] } = object;
  const head = `  ${oneLine(action).padEnd(8)} ${plannedName(object)}`;
  return [note ? `${head} (${oneLine(note)})` : head, ...changes.map(changeLine)];
}

/** Prints a plan for people. */
export function planText(view: PlanView): string {
  const { target, facts, sentence, objects, omitted } = view;
  return [
    `${nameOf(target)}: ${countsText(view)}`,
    ...facts.map(({ label, value }) => `${label}: ${oneLine(value)}`),
    sentence,
    '',
    ...objects.flatMap(objectLines),
    ...[omittedText(omitted)].filter((line) => line !== undefined),
    '',
  ].join('\n');
}
