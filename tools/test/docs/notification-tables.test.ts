import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  alertKind,
  type KindDefinition,
  providerKind,
  providerTypes,
  receiverKind,
  receiverTypes,
} from '@sluice/shared/api';
import { describe, expect, test } from 'vitest';
import { bare, rowsBelow, testFieldTable } from './field-table.ts';

const root = join(import.meta.dirname, '../../..');
const tests = join(root, 'services/notification-controller/test');
const page = readFileSync(join(root, 'docs/development/notification-tests.md'), 'utf8');

const read = (path: string) => readFileSync(path, 'utf8');

for (const kind of [providerKind, alertKind, receiverKind]) {
  testFieldTable(kind as KindDefinition, page, tests);
}

describe('the table of Providers', () => {
  const rows = rowsBelow(page, '## Providers');

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
  const rows = rowsBelow(page, '## Receivers');

  test('has each type once', () => {
    expect(rows.map(([type]) => bare(type)).sort()).toEqual([...receiverTypes].sort());
  });

  test('names files that exist', () => {
    const files = rows.map(([, , file]) => bare(file));
    expect(files.filter((file) => !existsSync(join(tests, file)))).toEqual([]);
  });
});
