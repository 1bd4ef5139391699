import { formatDuration, parseDuration } from './duration.ts';
import { errorMessage } from './errors.ts';

/** One flag, declared as data. */
export interface FlagSpec<V> {
  type: 'string' | 'int' | 'boolean' | 'duration' | 'list';
  help: string;
  default: V;
  /** Environment variable that stands in when the flag is absent. */
  env?: string;
  parse(text: string): V;
  format(value: V): string;
}

export type FlagSpecs = Record<string, FlagSpec<unknown>>;
export type FlagValues<S extends FlagSpecs> = {
  [K in keyof S]: S[K] extends FlagSpec<infer V> ? V : never;
};

/** A flag that cannot be used as given. The message names the flag and the fix. */
export class FlagError extends Error {
  override name = 'FlagError';
}

interface Declared<V> {
  default: V;
  help: string;
  env?: string;
}

interface Limits {
  min?: number;
  max?: number;
}

function within(value: number, limits: Limits, format: (n: number) => string): number {
  if (limits.min !== undefined && value < limits.min)
    throw new RangeError(`must be at least ${format(limits.min)}`);
  if (limits.max !== undefined && value > limits.max)
    throw new RangeError(`must be at most ${format(limits.max)}`);
  return value;
}

function parseBoolean(text: string): boolean {
  if (['true', 't', '1', 'TRUE', 'True', 'T'].includes(text)) return true;
  if (['false', 'f', '0', 'FALSE', 'False', 'F'].includes(text)) return false;
  throw new RangeError('must be true or false');
}

/** Builders of flag declarations. */
export const flag = {
  /** A text, limited to `values` when given. */
  string<const V extends string = string>(
    o: Declared<NoInfer<V>> & { values?: readonly V[] },
  ): FlagSpec<V> {
    const parse = (text: string): V => {
      if (o.values && !o.values.includes(text as V))
        throw new RangeError(`must be one of ${o.values.join(', ')}`);
      return text as V;
    };
    return { type: 'string', help: o.help, default: o.default, env: o.env, parse, format: String };
  },
  /** A whole number. */
  int(o: Declared<number> & Limits): FlagSpec<number> {
    const parse = (text: string) => {
      if (!/^-?[0-9]+$/.test(text)) throw new RangeError('must be a whole number');
      return within(Number(text), o, String);
    };
    return { type: 'int', help: o.help, default: o.default, env: o.env, parse, format: String };
  },
  /** A switch: `--name` alone means true. */
  boolean(o: Declared<boolean>): FlagSpec<boolean> {
    return {
      type: 'boolean',
      help: o.help,
      default: o.default,
      env: o.env,
      parse: parseBoolean,
      format: String,
    };
  },
  /** A Go duration; the value is in milliseconds. */
  duration(o: Declared<number> & Limits): FlagSpec<number> {
    const parse = (text: string) => within(parseDuration(text), o, formatDuration);
    return {
      type: 'duration',
      help: o.help,
      default: o.default,
      env: o.env,
      parse,
      format: formatDuration,
    };
  },
  /** A list: repeated, or separated by commas. */
  list(o: Declared<string[]>): FlagSpec<string[]> {
    const parse = (text: string) => text.split(',').filter((item) => item !== '');
    return {
      type: 'list',
      help: o.help,
      default: o.default,
      env: o.env,
      parse,
      format: (v) => v.join(','),
    };
  },
};

function parseValue(name: string, spec: FlagSpec<unknown>, text: string, from: string): unknown {
  try {
    return spec.parse(text);
  } catch (error) {
    throw new FlagError(`${from} '${text}' is not usable: --${name} ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

/**
 * Parses command-line arguments in Go's flag syntax: `--flag value`, `--flag=value`, `--switch`.
 *
 * @param argv the arguments after the program's name
 * @param env read for flags that declare an environment variable
 * @throws FlagError for an unknown flag, a missing value, or a value out of range
 * @see https://pkg.go.dev/github.com/spf13/pflag
 */
export function parseFlags<S extends FlagSpecs>(
  specs: S,
  argv: readonly string[],
  env: Record<string, string | undefined> = {},
): FlagValues<S> {
  const values: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(specs)) {
    const text = spec.env === undefined ? undefined : env[spec.env];
    values[name] =
      text === undefined || text === ''
        ? spec.default
        : parseValue(name, spec, text, `environment variable ${spec.env}`);
  }
  const given = new Set<string>();
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at] as string;
    const match = /^--?([A-Za-z][A-Za-z0-9-]*)(?:=(.*))?$/s.exec(argument);
    if (match === null)
      throw new FlagError(`unexpected argument '${argument}': flags look like --name=value`);
    const name = match[1] as string;
    const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
    if (spec === undefined)
      throw new FlagError(`unknown flag --${name}: see --help for those there are`);
    let text = match[2];
    if (text === undefined && spec.type === 'boolean') text = 'true';
    if (text === undefined) text = argv[++at];
    if (text === undefined)
      throw new FlagError(`flag --${name} needs a value: --${name}=<${spec.type}>`);
    const value = parseValue(name, spec, text, `value`);
    values[name] =
      spec.type === 'list' && given.has(name)
        ? [...(values[name] as string[]), ...(value as string[])]
        : value;
    given.add(name);
  }
  return values as FlagValues<S>;
}

/** What `--help` and the reference page say of a flag. */
export interface FlagDescription {
  name: string;
  type: string;
  default: string;
  help: string;
  env?: string;
}

/** Describes flags in the order of their names. */
export function describeFlags(specs: FlagSpecs): FlagDescription[] {
  return Object.entries(specs)
    .map(([name, spec]) => ({
      name,
      type: spec.type,
      default: spec.format(spec.default),
      help: spec.help,
      ...(spec.env === undefined ? {} : { env: spec.env }),
    }))
    .sort((a, b) => a.name.localeCompare(b.name, 'en'));
}

/** Formats the text that `--help` prints. */
export function formatHelp(program: string, specs: FlagSpecs): string {
  const lines = describeFlags(specs).map(
    (f) =>
      `  --${f.name} ${f.type}\n      ${f.help}${f.default === '' ? '' : ` (default ${f.default})`}`,
  );
  return `Usage: ${program} [flags]\n\n${lines.join('\n')}\n`;
}
