import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@sluice/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Values } from '../../src/release/release.ts';
import { type IntegerSetting, plainValue } from '../../src/values/helm-integer.ts';
import { newBudget, parseStrvals } from '../../src/values/strvals.ts';
import { StrvalsError } from '../../src/values/strvals-reader.ts';
import { setAtPath } from '../../src/values/target-path.ts';
import { valuesByHelm } from './helm.ts';

function parse(text: string, data: Values = {}, asText = false): Values {
  parseStrvals(text, data, { asText, budget: newBudget() });
  return plainValue(data, '', []) as Values;
}

function parseOrRefuse(text: string, asText = false): Values | undefined {
  try {
    return parse(text, {}, asText);
  } catch (error) {
    expect(error).toBeInstanceOf(StrvalsError);
    return undefined;
  }
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let chart: string;
beforeAll(async () => {
  folder = await temporaryFolder('strvals');
  chart = folder.path;
  await writeFile(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: c\nversion: 1.0.0\n');
});
afterAll(() => folder.remove());

const cases = [
  'a=b',
  'a=1',
  'a=-1',
  'a=+5',
  'a=-0',
  'a=0',
  'a=00',
  'a=07',
  'a=-07',
  'a=1.5',
  'a=1e3',
  'a=0x10',
  'a=1_000',
  'a=9007199254740993',
  'a=9223372036854775807',
  'a=9223372036854775808',
  'a=-9223372036854775808',
  'a=true',
  'a=TRUE',
  'a=False',
  'a=falſe',
  'a=null',
  'a=NULL',
  'a=Null,b=1',
  'a=',
  'a=,b=1',
  'a="x"',
  "a='1'",
  'a=yes',
  'a=~',
  'a= 1',
  ' a=1',
  'a=b c',
  'a=b=c',
  'a=b.c',
  'a=b[0]',
  'a=b\\,c',
  'a=\\{x\\}',
  'a=x\\',
  'a\\',
  'a.b=1',
  'a.b.c=x',
  'a.b=1,a.c=2',
  'a.b=1,a=2',
  'a=1,a.b=2',
  'a=null,a.b=1',
  'a\\.b=1',
  'a\\=b=1',
  'a\\[0\\]=1',
  'a\\,b=1',
  'a\\\\b=1',
  'a/b=1',
  'a..b=1',
  '.a=1',
  'a.=1',
  'a.',
  'a',
  '=1',
  '=',
  ',',
  'a=1,',
  ',a=1',
  'a,b=1',
  'a={1,2}',
  'a={}',
  'a={x}',
  'a={x,}',
  'a={x,y',
  'a={x,y},b=2',
  'a={x,y}b=2',
  'a={x}y',
  'a={{1},{2}}',
  'a={a\\,b}',
  'a={true,null,1,x}',
  'a=x{1}',
  'a.b={1,2}',
  'a[0]=1',
  'a[1]=1',
  'a[2]=x,a[0]=y',
  'a[0].b=1',
  'a[0].b=1,a[0].c=2',
  'a[1].b=1',
  'a[0][1]=x',
  'a[0][1].b=2',
  'a[0]=1,a[0].b=2',
  'a[0]=x,a[0][0]=2',
  'a={x,y},a[1]=z',
  'a={x,y},a[3]=z',
  'a.b[0]=1',
  'a.b[0].c[1]=1',
  'a[0]',
  'a[0',
  'a[',
  'a[]=1',
  'a[x]=1',
  'a[-1]=1',
  'a[+1]=1',
  'a[0]x=1',
  'a[01]=1',
  'a[ 0]=1',
  'a[0].b=',
  'a[0]=',
  'a[0].',
  'a[0].b',
  'a[0][',
  'a[0][1',
  'a[65537]=1',
  'a[999999999]=1',
  'a[99999999999999999999]=1',
  '[0]=1',
  'a=1,a[0]=2',
  'a.b=1,a[0]=2',
  'a[0]=1,a.b=2',
  'a[0]={1,2}',
  'a[0]={1,2},a[0][1]=3',
  'b.a[0],c=1',
  'x.y[0',
  `${'a.'.repeat(30)}b=1`,
  `${'a.'.repeat(31)}b=1`,
  'constructor.x=1',
  'toString=1',
  'hasOwnProperty[0]=1',
  'ключ=значение',
  '😀=😀,😀.x=1',
  'a=\u00a0',
  'a=a\nb',
  'a\nb=1',
].map((text) => ({ text }));

describe('parseStrvals', () => {
  test.each(cases)('is helm --set for $text', async ({ text }) => {
    expect(parseOrRefuse(text)).toEqual(await valuesByHelm(chart, ['--set', text]));
  });

  test.each(['a=1', 'a=true', 'a=null', 'a={1,true}', 'a[0].b=0', 'a='])(
    'is helm --set-string for %s',
    async (text) => {
      expect(parseOrRefuse(text, true)).toEqual(await valuesByHelm(chart, ['--set-string', text]));
    },
  );

  test('keeps names that objects inherit as plain data', () => {
    const data = parse('__proto__.polluted=yes,constructor.prototype.polluted=yes');
    expect(Object.hasOwn(data, '__proto__')).toBe(true);
    expect(JSON.stringify(data)).toBe(
      '{"__proto__":{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}}}',
    );
    expect(({} as Values)['polluted']).toBeUndefined();
    parse('__proto__[0]=1,toString.x=1');
    expect(String({})).toBe('[object Object]');
  });

  test.each([
    { name: 'a great index', text: 'a[999999999]=1' },
    { name: 'nested great indexes', text: `a${'[65536]'.repeat(35)}=1` },
    {
      name: 'many lists',
      text: Array.from({ length: 20_000 }, (_, n) => `k${n}[65536]=1`).join(','),
    },
    { name: 'deep lists', text: `a${'[0]'.repeat(100_000)}=1` },
    { name: 'deep maps in lists', text: `a${'[0].a'.repeat(100_000)}=1` },
    { name: 'deep maps', text: `${'a.'.repeat(100_000)}b=1` },
  ])('refuses $name before it takes memory', ({ text }) => {
    const before = process.memoryUsage().rss;
    expect(() => parse(text)).toThrow(StrvalsError);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  });

  test('adds the greatest index that Helm allows, and items one by one without copying the list each time', () => {
    expect((parse('a[65536]=1')['a'] as unknown[]).length).toBe(65_537);
    const text = Array.from({ length: 60_000 }, (_, n) => `a[${n}]=${n}`).join(',');
    expect((parse(text)['a'] as unknown[]).at(-1)).toBe(59_999);
  });

  test('never fails in another way than by its own error', () => {
    const syntax = fc.string({
      unit: fc.constantFrom('a', 'b', '.', '=', ',', '[', ']', '{', '}', '\\', '0', '1', '-', ' '),
      maxLength: 40,
    });
    fc.assert(
      fc.property(fc.oneof(syntax, fc.string({ unit: 'binary' })), fc.boolean(), (text, asText) => {
        parseOrRefuse(text, asText);
      }),
      { numRuns: 2000 },
    );
  });

  test('is helm --set for random texts', async () => {
    const name = fc.constantFrom('a', 'b', 'a.b', 'a[0]', 'a[1].b', 'b[0][1]', 'a\\.b', '');
    const value = fc.constantFrom('1', 'x', '', '{1,x}', '{', 'null', 'true', 'a=b', 'x\\,y', '}');
    const term = fc
      .tuple(name, fc.constantFrom('=', '=', '=', '', '.'), value)
      .map((t) => t.join(''));
    const texts = fc.array(term, { minLength: 1, maxLength: 4 }).map((terms) => terms.join(','));
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        expect(parseOrRefuse(text)).toEqual(await valuesByHelm(chart, ['--set', text]));
      }),
      { numRuns: 80 },
    );
  });
});

describe('plainValue', () => {
  test('lists the integers with paths that helm --set takes', async () => {
    const data: Values = {};
    const text = 'a\\.b[1].c\\,d=1000000,e=9007199254740993,f=x,g=1.5,h=0';
    parseStrvals(text, data, { asText: false, budget: newBudget() });
    const integers: IntegerSetting[] = [];
    const values = plainValue(data, '', integers);
    expect(integers.map(({ value }) => value)).toEqual(['1000000', '9007199254740993', '0']);
    const settings = integers.flatMap(({ path, value }) => ['--set', `${path}=${value}`]);
    const rest = ['--set', 'a\\.b[0]=null,f=x,g=1.5'];
    expect(await valuesByHelm(chart, [...rest, ...settings])).toEqual(values);
  });
});

describe('setAtPath', () => {
  const at = (path: string, value: string, literal = false, data: Values = {}) => {
    setAtPath(data, { path, value, literal }, newBudget());
    return plainValue(data, '', []);
  };

  test.each([
    { value: '1', expected: 1 },
    { value: '"1"', expected: '1' },
    { value: "'true'", expected: 'true' },
    { value: '"', expected: '' },
    { value: `"'x'"`, expected: 'x' },
    { value: `"x'`, expected: `"x'` },
    { value: '{a,b}', expected: ['a', 'b'] },
    { value: '"{a,b}"', expected: ['a', 'b'] },
    { value: '', expected: '' },
  ])('understands $value', ({ value, expected }) => {
    expect(at('a.b', value)).toEqual({ a: { b: expected } });
  });

  test('takes a literal value as it is, as helm --set-literal does', async () => {
    const value = '{"a": [1, 2]}, b=c\\n "x"\n{';
    expect(at('a', value, true)).toEqual({ a: value });
    expect(await valuesByHelm(chart, ['--set-literal', `a=${value}`])).toEqual({ a: value });
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(at('x\\.y[0]', text, true)).toEqual({ 'x.y': [text] });
      }),
    );
  });

  test('changes an item of a list that is there', () => {
    const data = { nested: { list: ['a', 'b', 'c'] } };
    expect(at('nested.list[1]', 'x', false, data)).toEqual({ nested: { list: ['a', 'x', 'c'] } });
  });
});
