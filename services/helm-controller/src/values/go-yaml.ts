import { formatGoFloat, isExactInteger } from '@sluice/shared/base';
import { compareBytes } from '../release/go-text.ts';
import { isBreak, isPrintable, scalarStyle } from './go-yaml-scalar.ts';

const indentStep = 2;
const bestWidth = 80;
/** Longer keys, in bytes, stand on a line of their own. */
const maxSimpleKey = 128;

const escapes = new Map([
  ['\0', '0'],
  ['\x07', 'a'],
  ['\b', 'b'],
  ['\t', 't'],
  ['\n', 'n'],
  ['\v', 'v'],
  ['\f', 'f'],
  ['\r', 'r'],
  ['\x1b', 'e'],
  ['"', '"'],
  ['\\', '\\'],
  ['\u0085', 'N'],
  ['\u00a0', '_'],
  ['\u2028', 'L'],
  ['\u2029', 'P'],
]);

function escapeOf(char: string): string {
  const short = escapes.get(char);
  if (short !== undefined) return `\\${short}`;
  const code = char.codePointAt(0) as number;
  const hex = code.toString(16).toUpperCase();
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

/** The place of a scalar: what it may do to the lines. */
interface ScalarContext {
  key: boolean;
  /** Lines may be broken. */
  fold: boolean;
}

/** Writes values in the way of go-yaml (v2), block style with lines of about 80 characters. */
class GoYamlWriter {
  readonly #parts: string[] = [];
  #indent = -1;
  #column = 0;
  /** The last character was white space. */
  #whitespace = true;
  /** Only indentation and indicators are on the line. */
  #indention = true;

  document(values: Record<string, unknown>): string {
    this.#map(values);
    this.#writeIndent();
    return this.#parts.join('');
  }

  #node(value: unknown, inMap: boolean): void {
    if (Array.isArray(value)) this.#list(value, inMap);
    else if (typeof value === 'object' && value !== null && !isExactInteger(value)) {
      this.#map(value as Record<string, unknown>);
    } else this.#scalar(value, { key: false, fold: true });
  }

  #map(map: Record<string, unknown>): void {
    const keys = Object.keys(map).sort(compareBytes);
    if (keys.length === 0) {
      this.#indicator('{', { space: true, whitespace: true });
      this.#indicator('}');
      return;
    }
    const outer = this.#indent;
    this.#indent = outer < 0 ? 0 : outer + indentStep;
    for (const key of keys) {
      this.#writeIndent();
      this.#key(key);
      this.#node(map[key], true);
    }
    this.#indent = outer;
  }

  #key(key: string): void {
    if (!isBreakIn(key) && Buffer.byteLength(key) <= maxSimpleKey) {
      this.#scalar(key, { key: true, fold: false });
      this.#indicator(':');
      return;
    }
    this.#indicator('?', { space: true, indention: true });
    this.#scalar(key, { key: false, fold: true });
    this.#writeIndent();
    this.#indicator(':', { space: true, indention: true });
  }

  #list(items: unknown[], inMap: boolean): void {
    if (items.length === 0) {
      this.#indicator('[', { space: true, whitespace: true });
      this.#indicator(']');
      return;
    }
    const outer = this.#indent;
    if (!(inMap && !this.#indention)) this.#indent += indentStep;
    for (const item of items) {
      this.#writeIndent();
      this.#indicator('-', { space: true, indention: true });
      this.#node(item, false);
    }
    this.#indent = outer;
  }

  #scalar(value: unknown, context: ScalarContext): void {
    const outer = this.#indent;
    this.#indent += indentStep;
    if (typeof value === 'string') this.#string(value, context);
    else this.#plain(Array.from(scalarText(value)), context);
    this.#indent = outer;
  }

  #string(text: string, context: ScalarContext): void {
    const chars = Array.from(text);
    const style = scalarStyle(text, context.key);
    if (style === 'plain') this.#plain(chars, context);
    else if (style === 'single') this.#single(chars, context);
    else if (style === 'double') this.#double(chars, context);
    else this.#literal(chars);
  }

  #plain(chars: string[], { fold }: ScalarContext): void {
    if (!this.#whitespace) this.#put(' ');
    this.#flow(chars, fold, (index) => chars[index + 1] !== ' ');
    this.#whitespace = false;
    this.#indention = false;
  }

  #single(chars: string[], { fold }: ScalarContext): void {
    this.#indicator("'", { space: true });
    const last = chars.length - 1;
    this.#flow(chars, fold, (i) => i > 0 && i < last && chars[i + 1] !== ' ', true);
    this.#indicator("'");
    this.#whitespace = false;
    this.#indention = false;
  }

  /** Writes text that may go on in the next line where there is one space. */
  #flow(
    chars: string[],
    fold: boolean,
    mayBreak: (index: number) => boolean,
    quoted = false,
  ): void {
    let spaces = false;
    let breaks = false;
    for (const [index, char] of chars.entries()) {
      if (char === ' ') {
        if (fold && !spaces && this.#column > bestWidth && mayBreak(index)) this.#writeIndent();
        else this.#put(char);
        spaces = true;
      } else if (isBreak(char)) {
        if (!breaks && char === '\n') this.#break(char);
        this.#break(char);
        this.#indention = true;
        breaks = true;
      } else {
        if (breaks) this.#writeIndent();
        if (quoted && char === "'") this.#put(char);
        this.#put(char);
        this.#indention = false;
        spaces = false;
        breaks = false;
      }
    }
  }

  #double(chars: string[], { fold }: ScalarContext): void {
    this.#indicator('"', { space: true });
    // A byte order mark at the start makes go-yaml escape everything.
    const escapeAll = chars[0] === '\ufeff';
    let spaces = false;
    for (const [index, char] of chars.entries()) {
      if (escapeAll || !isPrintable(char) || isBreak(char) || char === '"' || char === '\\') {
        for (const part of escapeOf(char)) this.#put(part);
        spaces = false;
      } else if (char !== ' ') {
        this.#put(char);
        spaces = false;
      } else {
        const inside = index > 0 && index < chars.length - 1;
        if (fold && !spaces && this.#column > bestWidth && inside) {
          this.#writeIndent();
          if (chars[index + 1] === ' ') this.#put('\\');
        } else this.#put(char);
        spaces = true;
      }
    }
    this.#indicator('"');
    this.#whitespace = false;
    this.#indention = false;
  }

  #literal(chars: string[]): void {
    this.#indicator('|', { space: true });
    if (chars[0] === ' ' || isBreak(chars[0])) this.#indicator(String(indentStep));
    if (!isBreak(chars.at(-1))) this.#indicator('-');
    else if (chars.length === 1 || isBreak(chars.at(-2))) this.#indicator('+');
    this.#break('\n');
    this.#indention = true;
    this.#whitespace = true;
    let breaks = true;
    for (const char of chars) {
      if (isBreak(char)) {
        this.#break(char);
        this.#indention = true;
        breaks = true;
      } else {
        if (breaks) this.#writeIndent();
        this.#put(char);
        this.#indention = false;
        breaks = false;
      }
    }
  }

  #indicator(
    text: string,
    o: { space?: boolean; whitespace?: boolean; indention?: boolean } = {},
  ): void {
    if (o.space && !this.#whitespace) this.#put(' ');
    this.#put(text);
    this.#whitespace = o.whitespace ?? false;
    this.#indention = this.#indention && (o.indention ?? false);
  }

  #writeIndent(): void {
    const indent = Math.max(this.#indent, 0);
    const atIndent = this.#column === indent && this.#whitespace;
    if (!this.#indention || (this.#column >= indent && !atIndent)) this.#break('\n');
    while (this.#column < indent) this.#put(' ');
    this.#whitespace = true;
    this.#indention = true;
  }

  #put(char: string): void {
    this.#parts.push(char);
    this.#column++;
  }

  #break(char: string): void {
    this.#parts.push(char);
    this.#column = 0;
  }
}

function isBreakIn(text: string): boolean {
  return Array.from(text).some(isBreak);
}

/** Numbers in the shortest form of Go's %g; whole ones that 64 bits hold as integers. */
function scalarText(value: unknown): string {
  if (isExactInteger(value)) return value.rawJSON;
  if (typeof value !== 'number') return String(value);
  if (Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 64)
    return String(BigInt(value));
  return formatGoFloat(value);
}

/** Formats a map as go-yaml (v2) does, with sorted keys. */
export function formatGoYaml(values: Record<string, unknown>): string {
  return new GoYamlWriter().document(values);
}
