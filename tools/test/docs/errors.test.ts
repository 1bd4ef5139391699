import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');

const sources = globSync(['libs/shared/src/**/*.ts', 'services/*/src/**/*.ts'], { cwd: root })
  .filter((path) => !path.includes('/testing/'))
  .map((path) => readFileSync(join(root, path), 'utf8'));

/** Reasons of answers of the API server, which are not conditions. */
const answers = new Set(['Invalid', 'Forbidden', 'ServiceUnavailable']);

const text = "'([A-Z][A-Za-z]+)'";
const places = [
  // new StalledError('Reason', …), new ReconcileError('stalled', 'Reason', …)
  `new (?:Stalled|Retryable|Waiting)Error\\(\\s*${text}`,
  `new ReconcileError\\(\\s*(?:'[a-z]+'|[a-z.]+),\\s*${text}`,
  // status.ready('Reason', …) and its like
  `\\.(?:ready|reconciling|failed)\\(\\s*${text}`,
  // The functions of the services that take a reason.
  `\\bsayWarning\\(\\s*\\w+,\\s*${text}`,
  `\\bnoteHistory\\(\\s*\\w+,[^;]*?${text}\\s*\\)`,
];

/** The texts in assignments to a reason: `reason: 'A'`, `const someReason = 'A'`, `const reason = isB ? 'B' : 'A'`. */
function assigned(source: string): string[] {
  const values = source.matchAll(/\b(?:reason|\w+Reason)\b\s*[:=]([^=;,{}()][^;,{}()]*)/g);
  return [...values].flatMap(([, value = '']) =>
    [...value.matchAll(new RegExp(`(?<![=!]=\\s*)${text}`, 'g'))].map(
      (match) => match[1] as string,
    ),
  );
}

/** The texts in tables of reasons, such as `const defaultReasons: … = { … }`. */
function tableEntries(source: string): string[] {
  const tables = source.matchAll(/\b\w*[rR]easons\b[^=;{]*=\s*\{([^}]*)\}/g);
  return [...tables].flatMap(([, body = '']) =>
    [...body.matchAll(new RegExp(`:\\s*${text}`, 'g'))].map((match) => match[1] as string),
  );
}

function reasonsIn(source: string): string[] {
  const found = places.flatMap((place) =>
    [...source.matchAll(new RegExp(place, 'g'))].map((match) => match[1] as string),
  );
  return [...found, ...assigned(source), ...tableEntries(source)].filter(
    (reason) => !answers.has(reason),
  );
}

const page = readFileSync(join(root, 'docs/errors.md'), 'utf8');
const documented = [...page.matchAll(/^\| `([A-Z][A-Za-z]+)` \|/gm)].map((row) => row[1] as string);

test('the ways to give a reason are recognised', () => {
  const source = `
    throw new StalledError(
      'One', 'message');
    new ReconcileError(kind, 'Two', 'message');
    draft.setCondition({ type: 'Ready', status: 'False', reason: 'Three', message });
    export const someReason = 'Four';
    context.status.ready('Five', 'message');
    await sayWarning(run, 'Six', 'message');
    noteHistory(run, build.digest ?? '', 'Seven');
    const defaultReasons: Record<string, string> = { Fetch: 'Eight', Store: other };
    const reason = kind === 'Other' ? 'Nine' : 'Ten';`;
  expect(reasonsIn(source).sort()).toEqual(
    ['One', 'Two', 'Three', 'Four', 'Five', 'Six', 'Seven', 'Eight', 'Nine', 'Ten'].sort(),
  );
});

test('every reason in the sources is described', () => {
  const used = new Set(sources.flatMap(reasonsIn));
  expect(used.size).toBeGreaterThan(10);
  expect([...used].filter((reason) => !documented.includes(reason)).sort()).toEqual([]);
});

test('every reason that is described is in the sources', () => {
  const stale = documented.filter(
    (reason) => !sources.some((source) => source.includes(`'${reason}'`)),
  );
  expect(stale).toEqual([]);
});

test('every description has a meaning and a fix', () => {
  const rows = page.split('\n').filter((line) => /^\| `[A-Z][A-Za-z]+` \|/.test(line));
  const incomplete = rows.filter(
    (row) =>
      row
        .split('|')
        .slice(1, -1)
        .filter((cell) => cell.trim() !== '').length !== 4,
  );
  expect(incomplete).toEqual([]);
});
