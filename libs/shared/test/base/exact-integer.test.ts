import {
  type ExactInteger,
  formatCanonicalYaml,
  isExactInteger,
  isSameNumber,
  parseJson,
  parseYamlStream,
  toInteger,
} from '@sluice/shared/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const exactOf = (text: string) => parseJson(text) as ExactInteger;

describe('parseJson', () => {
  it.each([
    '9007199254740993',
    '-9007199254740993',
    '9223372036854775807',
    '-9223372036854775808',
    '[9007199254740993]',
    '[1,9007199254740993,2]',
    '{"a":{"b":[true,{"c":9007199254740993}]},"d":"9007199254740993"}',
    '{\n  "a": 9007199254740993,\n\t"b": -9007199254740993\n}',
  ])('keeps all digits of %s', (text) => {
    expect(JSON.stringify(parseJson(text))).toBe(text.replaceAll(/\s/g, ''));
  });

  it.each([
    ['9007199254740992', 2 ** 53],
    ['18446744073709551615', 2 ** 64],
    ['9223372036854775808', 2 ** 63],
    ['9007199254740993.0', 2 ** 53],
    ['9007199254740993e0', 2 ** 53],
    ['0.1000000000000000055511151231257827', 0.1],
  ])('reads %s as the number that the API server makes of it', (text, number) => {
    expect(parseJson(text)).toBe(number);
  });

  it('reads what holds digits in texts like any other', () => {
    const text = '{"a":"12345678901234567890","b":"x:1234567890123456789,","12345678901234567":1}';
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });

  it('keeps every integer of 64 bits, wherever it stands', () => {
    const integer = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(fc.array(integer), fc.string(), fc.nat(40), (integers, text, spaces) => {
        const head = JSON.stringify({ text, pad: 'x'.repeat(spaces) });
        const json = `[${head},{"n":[${integers.join(',')}]}]`;
        expect(JSON.stringify(parseJson(json))).toBe(json);
      }),
    );
  });

  it('fails as JSON.parse does', () => {
    expect(() => parseJson('[9007199254740993')).toThrow(SyntaxError);
  });
});

describe('an exact integer', () => {
  it('is told from everything else', () => {
    expect(isExactInteger(exactOf('9007199254740993'))).toBe(true);
    for (const value of [1, '1', null, undefined, {}, { rawJSON: '1' }, []]) {
      expect(isExactInteger(value)).toBe(false);
    }
  });

  it('is the same as one with the same digits, and as what the API server rounds it to', () => {
    const [a, b] = [exactOf('9007199254740993'), exactOf('9007199254740995')];
    expect(isSameNumber(a, exactOf('9007199254740993'))).toBe(true);
    expect(isSameNumber(a, b)).toBe(false);
    expect(isSameNumber(a, 2 ** 53)).toBe(false);
    const unsigned = toInteger(2n ** 64n - 1n, { unsigned: true });
    expect(isSameNumber(unsigned, 2 ** 64)).toBe(true);
    expect(isSameNumber(2 ** 64, unsigned)).toBe(true);
  });

  it('is written to YAML and read from it', () => {
    const value = parseJson('{"count":9007199254740993,"texts":["9007199254740993"]}');
    const text = formatCanonicalYaml(value);
    expect(text).toBe("count: 9007199254740993\ntexts:\n  - '9007199254740993'\n");
    expect(parseYamlStream(text, 'f', { exactIntegers: true })).toEqual([value]);
  });
});
