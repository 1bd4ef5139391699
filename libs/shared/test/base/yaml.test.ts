import { parseYamlStream, YamlError } from '@sluice/shared/base';
import { describe, expect, test } from 'vitest';

function parse(text: string): unknown {
  return parseYamlStream(text, 'file.yaml')[0];
}

// What Go's yaml.v2, with which Kubernetes and Helm read, makes of each.
describe('a scalar is what Kubernetes takes it for', () => {
  test.each([
    { text: 'yes', value: true },
    { text: 'on', value: true },
    { text: 'y', value: true },
    { text: 'Off', value: false },
    { text: '"yes"', value: 'yes' },
    { text: '~', value: null },
    { text: '0777', value: 511 },
    { text: '0o17', value: 15 },
    { text: '08', value: 8 },
    { text: '-0b11', value: -3 },
    { text: '0x1F', value: 31 },
    { text: '1_000', value: 1000 },
    { text: '1e3', value: 1000 },
    { text: '.5', value: 0.5 },
    { text: '._5', value: '._5' },
    { text: '1e400', value: '1e400' },
    { text: '12:30:45', value: '12:30:45' },
    { text: '2001-01-01', value: '2001-01-01' },
    { text: '!!str 5', value: '5' },
    { text: '!!binary aGVsbG8=', value: 'hello' },
  ])('$text', ({ text, value }) => {
    expect(parse(`k: ${text}\n`)).toEqual({ k: value });
  });
});

describe('integers', () => {
  test.each([
    { text: '9007199254740991', exact: '9007199254740991', near: '9007199254740991' },
    { text: '9007199254740993', exact: '9007199254740993', near: '9007199254740992' },
    { text: '-9223372036854775808', exact: '-9223372036854775808', near: '-9223372036854776000' },
    { text: '18446744073709551615', exact: '18446744073709551615', near: '18446744073709552000' },
    { text: '18446744073709551616', exact: '18446744073709552000', near: '18446744073709552000' },
  ])('of $text are $exact when they are to be exact', ({ text, exact, near }) => {
    const [kept] = parseYamlStream(text, 'f', { exactIntegers: true });
    expect(JSON.stringify(kept)).toBe(exact);
    expect(JSON.stringify(parse(text))).toBe(near);
  });
});

// Against the letter of YAML, and in many charts: all Go programs read it.
describe('lines that are indented no more than their parent are read', () => {
  test.each([
    { name: 'a closing bracket', text: 'a:\n  b: [\n    1,\n  ]\n', value: { a: { b: [1] } } },
    { name: 'a closing brace', text: 'a: {\n  b: 1\n}\nc: 2\n', value: { a: { b: 1 }, c: 2 } },
    { name: 'items', text: 'a:\n- b: [\n  1,\n  2 ]\n', value: { a: [{ b: [1, 2] }] } },
    { name: 'a quoted string', text: 'a:\n  b: "x\n y"\n', value: { a: { b: 'x y' } } },
    { name: 'a tab', text: 'a: {\n\t"b": 1}\n', value: { a: { b: 1 } } },
    {
      name: 'tabs between values',
      text: 'a: [1,\t2, \t3]\nb: {c:\td}\n',
      value: { a: [1, 2, 3], b: { c: 'd' } },
    },
    {
      name: 'JSON in many lines',
      text: `a: {\n${Array.from({ length: 50 }, (_, i) => `"k${i}": ${i}`).join(',\n')}\n}\n`,
      value: { a: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, i])) },
    },
  ])('$name', ({ text, value }) => {
    expect(parse(text)).toEqual(value);
  });
});

describe('in a long text of many documents', () => {
  const one = `a: [\n  1,\n]\nb: ${'x'.repeat(2000)}\n`;
  const many = `# first\n---\n${Array(500).fill(one).join('---\n')}`;

  test('each may have such lines', () => {
    const documents = parseYamlStream(many, 'f');
    expect(documents).toHaveLength(500);
    expect(new Set(documents.map((each) => JSON.stringify(each))).size).toBe(1);
  });

  test('a later error names its line', () => {
    const lines = many.split('\n').length;
    expect(() => parseYamlStream(`${many}---\na: 1\n b: c: d\n`, 'f')).toThrow(
      new RegExp(`^f:${lines + 2}: `),
    );
  });

  test('a directive stays with its document', () => {
    const text = 'a: 1\n...\n%YAML 1.1\n---\nb: [\n  1\n]\n';
    expect(parseYamlStream(text, 'f')).toEqual([{ a: 1 }, { b: [1] }]);
  });
});

test('equal keys are an error, unless the last is to win', () => {
  expect(() => parse('a: 1\na: 2\n')).toThrow(/^file\.yaml:2: /);
  expect(parseYamlStream('a: 1\na: 2\n', 'f', { lastKeyWins: true })).toEqual([{ a: 2 }]);
});

test('aliases that would expand beyond measure are refused', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 9; i++) {
    const aliases = Array.from({ length: 10 }, () => `*a${i - 1}`).join(', ');
    lines.push(`a${i}: &a${i} [${aliases}]`);
  }
  expect(() => parse(lines.join('\n'))).toThrow(YamlError);
  expect(() => parse(lines.join('\n'))).toThrow('aliases stand for more than 100000 values');
  const few = () => parseYamlStream(lines.slice(0, 3).join('\n'), 'f', { maxValues: 100 });
  expect(few).toThrow('more than 100 values');
  expect(parse(lines.slice(0, 3).join('\n'))).toMatchObject({ a2: { length: 10 } });
});

test('an error names file and line', () => {
  expect(() => parse('a: 1\nb: [\n')).toThrow(
    expect.objectContaining({ line: expect.any(Number) }),
  );
  expect(() => parse('a: 1\n b: c: d\n')).toThrow(/^file\.yaml:2: /);
});

const tens = (last: string) => {
  const lines = [`a0: &a0 [${Array(10).fill(last).join(', ')}]`];
  for (let i = 1; i < 6; i++) {
    lines.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    );
  }
  return lines.join('\n');
};

test.each([
  { name: 'six levels', text: tens('x'), message: 'more than 100000 values' },
  {
    name: 'a long text, often',
    text: `a: &a ${'x'.repeat(100_000)}\nb: [${Array(50).fill('*a').join(', ')}]`,
    message: 'more than 4194304 characters',
  },
  {
    name: 'long keys, often',
    text: `a: &a {${'k'.repeat(100_000)}: 1}\nb: [${Array(50).fill('*a').join(', ')}]`,
    message: 'more than 4194304 characters',
  },
  {
    name: 'itself',
    text: 'a: &a [1, *a]',
    message: 'more than 200 deep, or stand for what they are part of',
  },
  {
    name: 'a chain of levels',
    text: `a0: &a0 x\n${Array.from({ length: 1000 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}]`).join('\n')}`,
    message: 'more than 200 deep',
  },
  {
    name: 'a chain that is read from its end',
    text: `${1000}: &a0 x\n${Array.from({ length: 900 }, (_, i) => `${999 - i}: &a${i + 1} [*a${i}]`).join('\n')}`,
    message: 'more than 200 deep',
  },
  {
    name: 'merge keys',
    text: `a: &a {${Array.from({ length: 200 }, (_, i) => `k${i}: 1`).join(', ')}}\n${Array.from({ length: 200 }, (_, i) => `b${i}: {<<: *a}`).join('\n')}`,
    message: 'merge keys exceeded',
  },
])('aliases are measured before anything follows them: $name', ({ text, message }) => {
  const before = process.memoryUsage().heapUsed;
  expect(() => parse(text)).toThrow(message);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(100 * 2 ** 20);
});

test('anchors that people write are no trouble', () => {
  const text = `base: &base {image: x, env: [a, b]}\nall: [${Array(500).fill('*base').join(', ')}]`;
  expect(parse(text)).toMatchObject({ all: { length: 500 } });
});

test('a text is refused for its size before it is parsed', () => {
  expect(() => parse('x'.repeat(64 * 2 ** 20 + 1))).toThrow('file.yaml: longer than');
  expect(() => parse(`a: [${'[],'.repeat(2_100_000)}]`)).toThrow('more than 4000000 values');
  expect(() => parse('['.repeat(10_000))).toThrow('nesting exceeded');
});
