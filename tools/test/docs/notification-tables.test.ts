import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  alertKind,
  fieldsOf,
  type KindDefinition,
  providerKind,
  providerTypes,
  receiverKind,
  receiverTypes,
} from '@sluice/shared/api';
import { describe, expect, test } from 'vitest';

type Field = ReturnType<typeof fieldsOf>[number];

const root = join(import.meta.dirname, '../../..');
const tests = join(root, 'services/notification-controller/test');
const page = readFileSync(join(root, 'docs/development/notification-tests.md'), 'utf8');

/** The rows of the tables below a heading, each as its cells. */
function rowsBelow(heading: string): string[][] {
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

const bare = (cell = '') => cell.replaceAll('`', '');
const read = (path: string) => readFileSync(path, 'utf8');
/** Lists and maps say no more than what they stand in. */
const isPart = (path: string) => /(\[\]|\{\})$/.test(path) || !path.includes('.');
const isAddition = ({ addition, schema }: Field) =>
  addition || /\baddition\b/i.test(schema.description ?? '');

describe.each([
  providerKind as KindDefinition,
  alertKind as KindDefinition,
  receiverKind as KindDefinition,
])('the table of the fields of $kind', (kind) => {
  const rows = rowsBelow(`### ${kind.kind}`);

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
      return !existsSync(join(tests, file)) || !read(join(tests, file)).includes(name);
    });
    expect(wrong).toEqual([]);
  });
});

describe('the table of Providers', () => {
  const rows = rowsBelow('## Providers');

  test('has each type once', () => {
    expect(rows.map(([type]) => bare(type)).sort()).toEqual([...providerTypes].sort());
  });

  test('names cases, and errors that are in them', () => {
    const wrong = rows.flatMap(([type, file = '', errors = '']) => {
      const path = /^`([^`]+)`: /.exec(errors)?.[1] ?? join('provider/cases', bare(file));
      const text = existsSync(join(tests, path)) ? sourceOf(join(tests, path)) : '';
      const names = errors
        .replace(/^`[^`]+`: /, '')
        .split('; ')
        .map((error) => error.replace(/ \([^)]*\)$/, ''));
      return names.filter((name) => !text.includes(`'${name}'`)).map((name) => `${type} ${name}`);
    });
    expect(wrong).toEqual([]);
  });

  test('names tests against real services that exist', () => {
    const files = rows.flatMap(([, , , , real = '']) => /`([^`]+)`/.exec(real)?.[1] ?? []);
    expect(files.length).toBeGreaterThan(3);
    expect(files.filter((file) => !existsSync(join(tests, file)))).toEqual([]);
  });
});

/** A case, with the errors that several share. */
function sourceOf(path: string): string {
  return read(path) + read(join(tests, 'provider/contract.ts'));
}

describe('the table of Receivers', () => {
  const rows = rowsBelow('## Receivers');

  test('has each type once', () => {
    expect(rows.map(([type]) => bare(type)).sort()).toEqual([...receiverTypes].sort());
  });

  test('names files that exist', () => {
    const files = rows.map(([, , file]) => bare(file));
    expect(files.filter((file) => !existsSync(join(tests, file)))).toEqual([]);
  });
});
