import { text } from './arguments.ts';
import { CallError, printed, typeOf, type Value } from './values.ts';

const verbPattern = /%(.?)/gsu;

/**
 * Go's fmt.Sprintf, with the verbs `%s`, `%v`, `%d`, `%q`, `%t` and `%%`, without width or flags.
 *
 * @throws CallError where Go would write of a mistake into the text
 */
export function printf([format, ...values]: readonly Value[]): string {
  let next = 0;
  const result = text(format).replace(verbPattern, (_, verb: string) => {
    if (verb === '%') return '%';
    if (next >= values.length) throw new CallError(`%${verb} has no argument`);
    return formatted(verb, values[next++] as Value);
  });
  if (next < values.length) throw new CallError(`has ${values.length - next} arguments too many`);
  return result;
}

function formatted(verb: string, value: Value): string {
  if (verb === 'v') return printed(value);
  const isText = typeof value === 'string' || Array.isArray(value);
  if (verb === 's' && isText) return printed(value);
  if (verb === 'q' && typeof value === 'string') return quoted(value);
  if (verb === 'd' && typeof value === 'number') return printed(value);
  if (verb === 't' && typeof value === 'boolean') return printed(value);
  throw new CallError(`%${verb} cannot show ${typeOf(value)}`);
}

const escapes: Record<string, string> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

/** As Go's strconv.Quote. */
export function quoted(value: string): string {
  return `"${value.replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]|["\\]/gu, escaped)}"`;
}

function escaped(char: string): string {
  const known = escapes[char];
  if (known !== undefined) return known;
  const code = char.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code < 0x80) return `\\x${hex.padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}
