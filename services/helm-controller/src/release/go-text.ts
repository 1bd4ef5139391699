/** White space as Go's unicode.IsSpace sees it: with U+0085, and without the byte order mark. */
const space =
  '[\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const leading = new RegExp(`^${space}+`);
const onlySpace = new RegExp(`^${space}*$`);

/** Removes leading white space as Go does. */
export function trimStart(text: string): string {
  return text.replace(leading, '');
}

/** Whether a text is empty but for white space, as Go sees it. */
export function isBlank(text: string): boolean {
  return onlySpace.test(text);
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

/** Compares strings by their UTF-8 bytes, the order of Go, which differs from ours beyond U+FFFF. */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1;
  }
  return a.length - b.length;
}
