/** A template cannot be read or carried out. The message begins with the place, as `line:column: `. */
export class TemplateError extends Error {
  override name = 'TemplateError';

  /** @param offset of the place in the text, in UTF-16 units */
  constructor(text: string, offset: number, problem: string) {
    super(`${placeOf(text, offset)}: ${problem}`);
  }
}

/** The line and the column, both from 1. */
function placeOf(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `${before.length}:${[...(before.at(-1) ?? '')].length + 1}`;
}
