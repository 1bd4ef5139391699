import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { envsubst, SubstitutionError } from '../../src/builder/envsubst.ts';
import conformance from './envsubst-conformance.json' with { type: 'json' };

const variables: Record<string, string> = {
  word: 'abcdEFGH28ij',
  upper: 'ABC',
  path: '/home/bozo/ideas/thoughts.for.today',
  file: 'bash.string.txt',
  repeated: 'abcABC123ABCabc',
  slashes: 'foo/bar/baz',
  empty: '',
  other: 'foo1',
};
const evaluate = (text: string, strict = false) =>
  envsubst(text, (name) => (Object.hasOwn(variables, name) ? variables[name] : undefined), {
    strict,
    spend: () => {},
  });

const cases: { name: string; text: string; expected: string }[] = [
  { name: 'plain text', text: 'a $b c', expected: 'a $b c' },
  { name: 'a variable', text: '<${upper}>', expected: '<ABC>' },
  { name: 'an unset variable', text: '<${none}>', expected: '<>' },
  { name: 'the length', text: '${#word}', expected: '12' },
  { name: 'first character in upper case', text: '${word^}', expected: 'AbcdEFGH28ij' },
  { name: 'upper case', text: '${word^^}', expected: 'ABCDEFGH28IJ' },
  { name: 'first character in lower case', text: '${upper,}', expected: 'aBC' },
  { name: 'lower case', text: '${upper,,}', expected: 'abc' },
  { name: 'an offset', text: '${path:11}', expected: 'ideas/thoughts.for.today' },
  { name: 'an offset and a length', text: '${path:11:5}', expected: 'ideas' },
  { name: 'an offset past the end', text: '${upper:9}', expected: '' },
  { name: 'a length past the end', text: '${upper:1:99}', expected: 'BC' },
  { name: 'an offset from a variable', text: '${path:${none:=11}:5}', expected: 'ideas' },
  { name: 'an offset that is no number', text: '${upper:x}', expected: 'ABC' },
  { name: ':= when unset', text: '${none:=xyz}', expected: 'xyz' },
  { name: ':= when empty', text: '${empty:=xyz}', expected: 'xyz' },
  { name: ':- when unset', text: '${none:-xyz}', expected: 'xyz' },
  { name: ':- when set', text: '${upper:-xyz}', expected: 'ABC' },
  { name: '= when unset', text: '${none=xyz}', expected: 'xyz' },
  { name: 'an empty default', text: '<${none:=}>', expected: '<>' },
  { name: 'a default with punctuation', text: '${none:=a:b/c "d"}', expected: 'a:b/c "d"' },
  { name: 'a nested default', text: '${none:=pre-${other}-post}', expected: 'pre-foo1-post' },
  { name: 'a nested function', text: '${none:=${word^^}}', expected: 'ABCDEFGH28IJ' },
  { name: 'first replaced', text: '${repeated/abc/xyz}', expected: 'xyzABC123ABCabc' },
  { name: 'all replaced', text: '${repeated//abc/xyz}', expected: 'xyzABC123ABCxyz' },
  { name: 'prefix replaced', text: '${repeated/#abc/XYZ}', expected: 'XYZABC123ABCabc' },
  { name: 'suffix replaced', text: '${repeated/%abc/XYZ}', expected: 'abcABC123ABCXYZ' },
  { name: 'an escaped slash', text: '${slashes//\\//-}', expected: 'foo-bar-baz' },
  { name: 'removed by a blank', text: '${file/./}', expected: 'bashstring.txt' },
  { name: 'a replacement with $&', text: '${upper//B/$&}', expected: 'A$&C' },
  { name: 'shortest prefix', text: '${file#*.}', expected: 'string.txt' },
  { name: 'longest prefix', text: '${file##*.}', expected: 'txt' },
  { name: 'shortest suffix', text: '${file%.*}', expected: 'bash.string' },
  { name: 'longest suffix', text: '${file%%.*}', expected: 'bash' },
  { name: 'a prefix by class', text: '${word##[a-d]*[0-9]}', expected: 'ij' },
  { name: 'a pattern that does not match', text: '${upper#x*}', expected: 'ABC' },
  { name: 'an escaped expansion', text: '$${upper}', expected: '${upper}' },
  { name: 'an escape before an expansion', text: '$$${upper}', expected: '$ABC' },
  { name: 'mixed', text: 'some ${upper}$${var$${x}$y${upper}', expected: 'some ABC${var${x}$yABC' },
];

describe('envsubst', () => {
  test.each(cases)('expands $name', ({ text, expected }) => {
    expect(evaluate(text)).toBe(expected);
  });

  test.each([
    { text: 'a\nb ${upper', message: /missing closing brace in '\$\{upper' \(line 2/ },
    { text: '${}', message: /unable to parse variable name/ },
    { text: '${foo.bar}', message: /missing closing brace/ },
    { text: '${upper/a}', message: /bad substitution/ },
    { text: '${upper:}', message: /an argument is empty/ },
    { text: '${upper-a}', message: /missing closing brace/ },
    { text: '${upper%%}', message: /an argument is empty in '\$\{upper%%\}'/ },
    { text: '${a:='.repeat(100), message: /nested/ },
  ])('refuses $text', ({ text, message }) => {
    expect(() => evaluate(text)).toThrow(SubstitutionError);
    expect(() => evaluate(text)).toThrow(message);
  });

  test.each(['${none}', '${#none}', '${none^^}', '${none:0}', '${none/a/b}', '${none%x}'])(
    'in strict mode refuses the unset variable of %s',
    (text) => {
      expect(() => evaluate(text, true)).toThrow(/variable 'none' is not set/);
    },
  );

  test('in strict mode accepts defaults and empty values', () => {
    expect(evaluate('${none:=a}${none=b}${none:-c}${empty}', true)).toBe('abc');
  });

  test('leaves text without a dollar sign alone', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!text.includes('$'));
        expect(evaluate(text)).toBe(text);
      }),
    );
  });

  test('gives back any text whose dollar signs are doubled', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(evaluate(text.replaceAll('$', '$$$$'))).toBe(text);
      }),
    );
  });

  test('never expands a value again', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        expect(envsubst('<${v}>', () => value, { strict: true, spend: () => {} })).toBe(
          `<${value}>`,
        );
      }),
    );
  });

  test('ends with a result or a SubstitutionError for any input', () => {
    const parts = [
      '${',
      '}',
      '$',
      ':',
      '=',
      '-',
      '/',
      '#',
      '%',
      '^',
      ',',
      'a',
      '\\',
      '\n',
      '*',
      '[',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...parts), { maxLength: 40 }), (tokens) => {
        try {
          expect(typeof evaluate(tokens.join(''))).toBe('string');
        } catch (error) {
          expect(error).toBeInstanceOf(SubstitutionError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('envsubst means what fluxcd/pkg/envsubst means', () => {
  const known = new Map(Object.entries(conformance.variables));
  const answer = (text: string, strict: boolean): string | null => {
    try {
      return envsubst(text, (name) => known.get(name), { strict, spend: () => {} });
    } catch (error) {
      expect(error).toBeInstanceOf(SubstitutionError);
      return null;
    }
  };

  test('for every template, it gives the result or refuses', () => {
    const found = conformance.cases.map(([text]) => [text, answer(text as string, false)]);
    expect(found).toEqual(conformance.cases);
  });

  test('in strict mode, it refuses the same', () => {
    const accepted = conformance.cases.filter(([, result]) => result !== null);
    const refused = accepted
      .map(([text]) => text as string)
      .filter((t) => answer(t, true) === null);
    expect(refused).toEqual(conformance.strict);
  });
});
