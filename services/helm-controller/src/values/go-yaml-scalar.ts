/** How a scalar is written. */
export type ScalarStyle = 'plain' | 'single' | 'double' | 'literal';

const words = new Set([
  'y',
  'Y',
  'n',
  'N',
  '',
  '~',
  '.inf',
  '.Inf',
  '.INF',
  '.nan',
  '.NaN',
  '.NAN',
]);
for (const word of ['yes', 'no', 'true', 'false', 'on', 'off', 'null']) {
  const capital = word.charAt(0).toUpperCase() + word.slice(1);
  for (const form of [word, capital, word.toUpperCase()]) words.add(form);
}
for (const sign of ['+', '-']) {
  for (const form of ['.inf', '.Inf', '.INF']) words.add(sign + form);
}

const integer = /^[+-]?(0[bB][01]+|0[oO][0-7]+|0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/;
const float = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
/** Go's own syntax, in which digits may be grouped. */
const pointFloat = /^\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?$/;
const base60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;
const date = '([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})';
const time = '([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?';
const timestamp = new RegExp(
  `^${date}(?:(?:[Tt]${time}(?:Z|[+-]([0-9]{2}):([0-9]{2})))|(?: +${time}))?$`,
);

const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;
const maxUint64 = 2n ** 64n - 1n;

function isInteger(text: string): boolean {
  const match = integer.exec(text);
  if (match === null) return false;
  const digits = (match[1] as string).replace(/^0(?=[0-7])/, '0o');
  const value = BigInt(digits);
  if (text.startsWith('-')) return -value >= minInt64;
  return value <= (text.startsWith('+') ? maxInt64 : maxUint64);
}

function isFloat(text: string): boolean {
  return float.test(text) && Number.isFinite(Number(text));
}

function isTimestamp(text: string): boolean {
  const match = timestamp.exec(text);
  if (match === null) return false;
  const [year = 0, month = 0, day = 0, ...rest] = match.slice(1).map((part) => Number(part ?? 0));
  const [h1 = 0, m1 = 0, s1 = 0, zoneHours = 0, zoneMinutes = 0, h2 = 0, m2 = 0, s2 = 0] = rest;
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
  return (
    day >= 1 &&
    day <= days &&
    Math.max(h1, h2) < 24 &&
    Math.max(m1, m2, s1, s2) < 60 &&
    zoneHours <= 24 &&
    zoneMinutes < 60
  );
}

/** Whether a text without quotes would be read as something else than this text. */
function isAmbiguous(text: string): boolean {
  if (words.has(text)) return true;
  if (text.startsWith('.')) return pointFloat.test(text) && isFloat(text.replaceAll('_', ''));
  if (!/^[-+0-9]/.test(text)) return false;
  const digits = text.replaceAll('_', '');
  return isTimestamp(text) || isInteger(digits) || isFloat(digits) || base60.test(text);
}

const breakCharacter = /[\r\n\u0085\u2028\u2029]/;

/** Whether go-yaml writes a character as it is. */
export function isPrintable(char: string): boolean {
  return /^[\n\x20-\x7e\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd]$/u.test(char);
}

/** Whether a character ends a line, for go-yaml. */
export function isBreak(char: string | undefined): boolean {
  return char !== undefined && breakCharacter.test(char);
}

/** Whether something in a text would be taken for syntax in a block without quotes. */
function hasIndicator(text: string): boolean {
  return (
    /^(---|\.\.\.|[#,[\]{}&*!|>'"%@`])/.test(text) ||
    /^[?-]([ \t]|$)/.test(text) ||
    /:([ \t]|$)/.test(text) ||
    /[ \t\r\n\u0085\u2028\u2029\0]#/.test(text)
  );
}

/**
 * Chooses how go-yaml (v2) writes a string.
 *
 * @param key it is the key of a map, on one line with its value
 */
export function scalarStyle(text: string, key: boolean): ScalarStyle {
  const multiline = breakCharacter.test(text);
  if (key && multiline) return 'double';
  const spaceBeforeBreak = / [\r\n\u0085\u2028\u2029]/.test(text);
  const special = spaceBeforeBreak || !Array.from(text).every(isPrintable);
  if (text.includes('\n')) {
    return key || special || text.endsWith(' ') ? 'double' : 'literal';
  }
  if (isAmbiguous(text)) return 'double';
  const breakBeforeSpace = /[\r\n\u0085\u2028\u2029] /.test(text);
  if (special || breakBeforeSpace) return 'double';
  return multiline || /^ | $/.test(text) || hasIndicator(text) ? 'single' : 'plain';
}
