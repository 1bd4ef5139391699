import type { PlannedChange, PlannedObject } from '@sluice/shared/api';
import { oneLine, valueText } from '../output/clean.ts';
import { code, codeBlock } from '../output/markdown.ts';
import { countsText, omittedText, type PlanView, plannedName } from './plan-view.ts';

/** Characters that the list of objects may take; comments of GitHub hold 65,536. */
const maxLength = 60_000;
/** Marks that colour a line of a block in the language diff. */
const marks: Record<PlannedObject['action'], string> = {
  Create: '+',
  Change: '!',
  Recreate: '!',
  Delete: '-',
  Hook: '#',
};

function changeLines({ path, before, after }: PlannedChange): string[] {
  return [
    ...(before === undefined ? [] : [`-     ${oneLine(path)}: ${valueText(before)}`]),
    ...(after === undefined ? [] : [`+     ${oneLine(path)}: ${valueText(after)}`]),
  ];
}

function objectLines(object: PlannedObject): string[] {
  const { action, note, changes = [] } = object;
  const head = `${marks[action] ?? ' '} ${oneLine(action)} ${plannedName(object)}`;
  return [note ? `${head} (${oneLine(note)})` : head, ...changes.flatMap(changeLines)];
}

/** Lines as far as there is room for them, and how many are left out. */
function fitting(lines: readonly string[]): { shown: string[]; left: number } {
  let length = 0;
  const end = lines.findIndex((line) => {
    length += line.length + 1;
    return length > maxLength;
  });
  const shown = end < 0 ? [...lines] : lines.slice(0, end);
  return { shown, left: lines.length - shown.length };
}

/** Prints a plan for a comment at a pull request: nothing in it is read as Markdown. */
export function planMarkdown(view: PlanView): string {
  const { target, facts, sentence, objects, omitted } = view;
  const { shown, left } = fitting(objects.flatMap(objectLines));
  const { namespace, name } = target.metadata;
  const told = facts.map(({ label, value }) => `${label} ${code(value)}`).join(', ');
  return [
    `### ${oneLine(target.kind)} ${code(`${namespace}/${name}`)}: ${countsText(view)}\n`,
    `${told}. ${sentence}\n`,
    ...(shown.length === 0 ? [] : [codeBlock('diff', shown)]),
    ...(left === 0 ? [] : [`${left} more lines did not fit.\n`]),
    ...[omittedText(omitted)].flatMap((line) => (line === undefined ? [] : [`${line}\n`])),
  ].join('\n');
}
