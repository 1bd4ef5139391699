/** Why an expression gave no answer: `cost-limit`, `not-boolean`, or the library's own word, such as `no-such-key`. */
export type CelErrorKind = 'cost-limit' | 'not-boolean' | (string & {});

const meanings: Record<string, string> = {
  'cost-limit': 'it costs more than one evaluation may',
  'not-boolean': 'it yields neither true nor false',
  'no-such-key': 'a field is missing',
  'index-out-of-bounds': 'a list has no such element',
  'no-such-overload': 'an operator does not fit the types of its values',
  'no-matching-overload': 'a function does not fit the types of its values',
  'unknown-variable': 'a field is missing',
};

/** An expression that could be read and gave no answer. Its message holds text of the expression, never a value. */
export class CelError extends Error {
  override name = 'CelError';
  readonly kind: CelErrorKind;
  /** @param o.part the part of the expression at which it stopped */
  constructor(kind: CelErrorKind, o: { field: string; part?: string; cause?: unknown }) {
    const place = o.part === undefined ? '' : ` at '${shorten(o.part)}'`;
    super(`${o.field} gave no answer: ${meanings[kind] ?? kind}${place} (${kind})`, {
      cause: o.cause,
    });
    this.kind = kind;
  }
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}

/** Thrown inside of an evaluation when its budget is used up; nothing in an expression may catch it. */
export class CostExceeded extends Error {
  override name = 'CostExceeded';
}
