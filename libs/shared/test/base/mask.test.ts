import { expect, test } from 'vitest';
import { SecretMasker, secretMask } from '../../src/base/mask.ts';

function masked(value: string, text: string): string {
  const masker = new SecretMasker();
  masker.add(value);
  return masker.mask(text);
}

const key =
  '-----BEGIN KEY-----\nMIIEvQIBADANBg"kqh\\kiG9w\n\tc2VjcmV0<LXZhbHVl>\n-----END KEY-----\n';
const password = 'p4$$w/rd?+é~ÿ';
const base64 = (text: string) => Buffer.from(text).toString('base64');
const wrapped = (text: string, columns: number) =>
  text.replaceAll(new RegExp(`.{${columns}}`, 'g'), '$&\n');

const cases: { name: string; value: string; text: string }[] = [
  { name: 'as it stands', value: key, text: key },
  { name: 'trimmed', value: `  ${password}\n`, text: password },
  { name: 'of several lines on one', value: key, text: key.trim().replaceAll('\n', ' ') },
  { name: 'of several lines without breaks', value: key, text: key.trim().replaceAll('\n', '') },
  { name: 'with other line breaks', value: key.replaceAll('\n', '\r\n'), text: key.trim() },
  { name: 'as a string of JSON', value: key, text: JSON.stringify(key).slice(1, -1) },
  {
    name: "as a string of Go's JSON",
    value: key,
    text: JSON.stringify(key).slice(1, -1).replaceAll('<', '\\u003c').replaceAll('>', '\\u003e'),
  },
  { name: 'as a string of Go', value: 'be\u0007ll\u001b[1m!', text: 'be\\all\\x1b[1m!' },
  { name: 'in a URL', value: password, text: encodeURIComponent(password) },
  { name: 'as base64', value: password, text: base64(password) },
  { name: 'as base64 of a trimmed value', value: `${password}\n`, text: base64(password) },
  { name: 'as base64 without padding', value: 'four', text: 'Zm91cg' },
  {
    name: 'as base64 for URLs',
    value: 'ÿÿÿ~~~???',
    text: Buffer.from('ÿÿÿ~~~???').toString('base64url'),
  },
];

test.each(cases)('a value is masked $name', ({ value, text }) => {
  expect(masked(value, `before ${text} after`)).toBe(`before ${secretMask} after`);
});

test('each line of a value is masked that is long enough to be told from ordinary text', () => {
  const value = 'first-secret-line\nyes\n  second-secret-line  \n';
  expect(masked(value, 'line 2: second-secret-line, yes; first-secret-line')).toBe(
    `line 2: ${secretMask}, yes; ${secretMask}`,
  );
});

test.each([64, 76])('wrapped base64 is masked: %i columns', (columns) => {
  const value = Array.from({ length: 40 }, (_, n) => `part-${n}`).join('');
  const lines = masked(value, wrapped(base64(value), columns)).split('\n');
  expect(lines.filter((line) => line !== secretMask && line !== '')).toEqual([]);
});

test.each(['', 'u', 'us', 'use', 'user:'])(
  'base64 of a longer text shows nothing of it: %s',
  (before) => {
    const value = 'correct-horse-battery';
    const text = masked(value, base64(`${before}${value} and more`));
    const left = text.split(secretMask).map((part) => Buffer.from(part, 'base64').toString());
    expect(text).toContain(secretMask);
    expect(left.join('')).not.toMatch(/orrect|horse|batter/);
  },
);

test('values that overlap or contain each other leave no rest', () => {
  const masker = new SecretMasker();
  for (const value of ['abcdef', 'cdefghij', 'abcd', 'xyz']) masker.add(value);
  expect(masker.mask('1 abcdefghij 2 abcdxyz 3 xyz')).toBe(
    `1 ${secretMask} 2 ${secretMask}xyz 3 xyz`,
  );
});

test('what is no secret stays, and so do texts without any', () => {
  expect(masked('abc', 'abc and more')).toBe('abc and more');
  expect(new SecretMasker().mask('plain')).toBe('plain');
  expect(masked('secret-value', 'secret-valu')).toBe('secret-valu');
});

test('many values with the same beginning are found in a long text', () => {
  const masker = new SecretMasker();
  for (let n = 0; n < 20_000; n++) masker.add(`same-beginning-${n}`);
  const text = 'same-beginning-x '.repeat(2_000);
  expect(masker.mask(`${text}same-beginning-19999`)).toBe(`${text}${secretMask}`);
});
