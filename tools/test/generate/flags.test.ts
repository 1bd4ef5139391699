import { describeFlags, flag } from '@sluice/shared/base';
import { expect, test } from 'vitest';
import { flagsPage } from '../../generate/flags.ts';

const level = flag.string({ default: 'info', env: 'LEVEL', help: 'Level.' });
const slots = (value: number) => flag.int({ default: value, help: 'Slots.' });
const page = flagsPage([
  { service: 'one', flags: describeFlags({ level, slots: slots(2), 'a-b': slots(1) }) },
  { service: 'two', flags: describeFlags({ level, slots: slots(4) }) },
]);
const section = (title: string) => page.split(`## ${title}\n`)[1]?.split('\n## ')[0];

test('a flag that all services declare alike is told once', () => {
  expect(section('All services')).toContain('| `--level` | string | `info` | `LEVEL` | Level. |');
  expect(page.match(/`--level`/g)).toHaveLength(1);
});

test('a flag whose default differs is told for each service', () => {
  expect(section('one')).toContain('| `--slots` | int | `2` |  | Slots. |');
  expect(section('two')).toContain('| `--slots` | int | `4` |  | Slots. |');
  expect(section('All services')).not.toContain('--slots');
});

test('a flag of one service is told there only', () => {
  expect(section('one')).toContain('--a-b');
  expect(section('two')).not.toContain('--a-b');
});

test('a bar in a text does not end a cell', () => {
  const text = flagsPage([
    { service: 'one', flags: [{ name: 'x', type: 'string', default: 'a|b', help: 'c|d' }] },
    { service: 'two', flags: [] },
  ]);
  expect(text).toContain('| `--x` | string | `a\\|b` |  | c\\|d |');
});
