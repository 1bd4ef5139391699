/**
 * A whole number that a JavaScript number cannot hold, as a value of `JSON.rawJSON`: `JSON.stringify` writes it digit by
 * digit. It is a scalar, though `typeof` calls it an object, and does not survive `structuredClone`.
 */
export interface ExactInteger {
  readonly rawJSON: string;
}

/** The one place that knows of these functions, which the type library lacks. */
const { rawJSON, isRawJSON } = JSON as unknown as {
  rawJSON(text: string): ExactInteger;
  isRawJSON(value: unknown): value is ExactInteger;
};

const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;
const maxUint64 = 2n ** 64n - 1n;

/** Whether a value is an integer that a number could not hold. */
export function isExactInteger(value: unknown): value is ExactInteger {
  return typeof value === 'object' && value !== null && isRawJSON(value);
}

/**
 * Returns an integer with all its digits: as a number when that holds them, or when it has more than 64 bits, which the
 * API server and all Go programs round, too.
 *
 * @param o.unsigned keep those between 2^63 and 2^64, which the API server rounds
 */
export function toInteger(value: bigint, o: { unsigned?: boolean } = {}): number | ExactInteger {
  const number = Number(value);
  const max = o.unsigned ? maxUint64 : maxInt64;
  if (value < minInt64 || value > max || String(number) === String(value)) return number;
  return rawJSON(String(value));
}

/** Whether two numbers are the same; one that is exact only here was rounded by the API server. */
export function isSameNumber(a: number | ExactInteger, b: number | ExactInteger): boolean {
  if (isExactInteger(a)) return isExactInteger(b) ? a.rawJSON === b.rawJSON : wasRounded(a, b);
  return isExactInteger(b) ? wasRounded(b, a) : a === b;
}

function wasRounded({ rawJSON: digits }: ExactInteger, to: number): boolean {
  return BigInt(digits) > maxInt64 && Number(digits) === to;
}

/** Digits that each number can hold. */
const safeDigits = 15;
const longInteger = /^-?[0-9]{16,}$/;
const reviveLong = (_: string, value: unknown, context: { source?: string }): unknown =>
  typeof value === 'number' && context.source !== undefined && longInteger.test(context.source)
    ? toInteger(BigInt(context.source))
    : value;

/**
 * Parses JSON; integers of 64 bits that a number cannot hold become {@link ExactInteger}s.
 *
 * @throws SyntaxError as `JSON.parse`, which quotes the text
 */
export function parseJson(text: string): unknown {
  return mayHoldLongInteger(text) ? JSON.parse(text, reviveLong as never) : JSON.parse(text);
}

/**
 * Tells in a small part of the time that parsing takes whether a JSON text may hold a long integer, which almost none
 * does. It looks at every sixteenth character: one of a long run of digits is among them.
 */
function mayHoldLongInteger(text: string): boolean {
  for (let at = safeDigits; at < text.length; at += safeDigits + 1) {
    if (!isDigit(text, at)) continue;
    let start = at;
    while (isDigit(text, start - 1)) start--;
    let end = at + 1;
    while (isDigit(text, end)) end++;
    if (end - start > safeDigits && isNumber(text, start, end)) return true;
    // What comes before the end has been looked at.
    at = Math.max(at, end - safeDigits - 1);
  }
  return false;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

/** Whether digits stand where a number may, which those inside of a digest do not. */
function isNumber(text: string, start: number, end: number): boolean {
  const before = text[start - 1] === '-' ? text[start - 2] : text[start - 1];
  return isEdge(before, ':[') && isEdge(text[end], ']}');
}

function isEdge(char: string | undefined, others: string): boolean {
  return char === undefined || ', \t\r\n'.includes(char) || others.includes(char);
}
