import { expect, test } from 'vitest';
import { oneLine, valueText } from '../../src/output/clean.ts';
import { formatJson } from '../../src/output/json.ts';
import { code, codeBlock, formatMarkdownTable } from '../../src/output/markdown.ts';
import { formatTable } from '../../src/output/table.ts';

test('a text becomes one line that commands no terminal', () => {
  expect(oneLine('a\u001b[31mb\u001b]0;t\u0007c\r\nd\te\u0000\u009bf\u202e')).toBe('ab]0;tc d ef');
  expect(oneLine(undefined)).toBe('');
});

test('a value is shown as JSON, cut where it is long', () => {
  expect(valueText({ a: [1, 'x'] })).toBe('{"a":[1,"x"]}');
  expect(valueText('y'.repeat(1000))).toHaveLength(200);
});

test('JSON keeps what it holds, and holds no character that a terminal acts upon', () => {
  const value = { 'k\u009b': '\u001b[2J\u202e\u2028\u007fü' };
  const text = formatJson(value);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  expect(text).not.toMatch(/[\u0000-\u0009\u001b\u007f-\u009f\u2028\u202e]/);
  expect(text).toContain('ü');
  expect(JSON.parse(text)).toEqual(value);
});

test('columns are as wide as their cells, and empty ones have a dash', () => {
  const rows = [
    ['apps', 'web\nx', ''],
    ['b', 'c', 'd'],
  ];
  expect(formatTable(['NAMESPACE', 'N', 'MESSAGE'], rows)).toBe(
    ['NAMESPACE   N       MESSAGE', 'apps        web x   -', 'b           c       d', ''].join(
      '\n',
    ),
  );
});

test.each([
  ['a', '`a`'],
  ['a`b', '``a`b``'],
  ['`a`', '`` `a` ``'],
  ['a|b\nc', '`a\\|b c`'],
  ['', '-'],
  ['<b>@all [x](y)', '`<b>@all [x](y)`'],
])('code of %j is %j', (text, expected) => {
  expect(code(text)).toBe(expected);
});

test('a block of code is longer fenced than anything in it', () => {
  expect(codeBlock('diff', ['a', '````', 'b'])).toBe('`````diff\na\n````\nb\n`````\n');
  expect(codeBlock('', [])).toBe('```\n```\n');
});

test('a table of Markdown has a line for each row', () => {
  expect(formatMarkdownTable(['A', 'B'], [['1|', '']])).toBe(
    '| A | B |\n| --- | --- |\n| `1\\|` | - |\n',
  );
});
