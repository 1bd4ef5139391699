import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fieldsOf, type KindDefinition } from '@sluice/shared/api';
import { describe, expect, test } from 'vitest';

type Field = ReturnType<typeof fieldsOf>[number];

/** The rows of the tables below a heading of a page, each as its cells. */
export function rowsBelow(page: string, heading: string): string[][] {
  const [, text = ''] = page.split(`\n${heading}\n`);
  const [section = ''] = text.split(/\n#/);
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows.map((row) =>
    row
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1),
  );
}

/** A cell without its marks. */
export const bare = (cell = '') => cell.replaceAll('`', '');

/** Lists and maps say no more than what they stand in. */
const isPart = (path: string) => /(\[\]|\{\})$/.test(path) || !path.includes('.');
const isAddition = ({ addition, schema }: Field) =>
  addition || /\baddition\b/i.test(schema.description ?? '');

/**
 * Compares a table of the fields of a kind, below a heading with its name, with the API and the tests.
 *
 * @param folder below which the files of the tests are named
 */
export function testFieldTable(kind: KindDefinition, page: string, folder: string): void {
  describe(`the table of the fields of ${kind.kind}`, () => {
    const rows = rowsBelow(page, `### ${kind.kind}`);

    test('has every field of Flux', () => {
      const named = rows.map(([field]) => bare(field));
      const missing = fieldsOf(kind)
        .filter((field) => !isAddition(field) && !isPart(field.path))
        .map(({ path }) => path)
        .filter((path) => !path.startsWith('status.conditions[]') && !named.includes(path));
      expect(missing).toEqual([]);
    });

    test('names tests that exist', () => {
      const wrong = rows.filter(([, , of = '']) => {
        if (of === '') return false;
        const [, file = '', name = ''] = /^`([^`]+)`: (.+)$/.exec(of) ?? [];
        const path = join(folder, file);
        return !existsSync(path) || !readFileSync(path, 'utf8').includes(name);
      });
      expect(wrong).toEqual([]);
    });
  });
}
