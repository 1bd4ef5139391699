const cutCharacters = (count: number) => ` … (${count} characters cut off)`;
const cutBytes = (count: number) => ` … (${count} bytes cut off)`;

/** Shortens a text to a number of characters, saying how many are missing. */
export function fit(text: string, max: number): string {
  if (text.length <= max) return text;
  const room = max - cutCharacters(text.length).length;
  if (room <= 0) return whole(text.slice(0, max));
  const kept = whole(text.slice(0, room));
  return `${kept}${cutCharacters(text.length - kept.length)}`;
}

/** Shortens a text to a number of bytes in UTF-8, saying how many are missing. */
export function fitBytes(text: string, max: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= max) return text;
  const room = Math.max(0, max - Buffer.byteLength(cutBytes(bytes.length)));
  const kept = new TextDecoder().decode(bytes.subarray(0, room), { stream: true });
  return `${kept}${cutBytes(bytes.length - Buffer.byteLength(kept))}`;
}

/** Leaves off half a character at the end. */
function whole(text: string): string {
  return text.replace(/[\uD800-\uDBFF]$/, '');
}
