import { parseArgs } from 'node:util';
import { maxDelayMs, parseDuration } from '@sluice/shared/base';
import type { BusOptions } from '@sluice/shared/bus';
import type { LoadKubeConfigOptions } from '@sluice/shared/kube';
import { type CommandName, type CommandSpec, commands, isCommand } from './commands.ts';
import { UsageError } from './errors.ts';
import { formatCommandHelp, formatProgramHelp, optionsOf, programName } from './help.ts';
import { type OptionName, type OptionSpec, type Output, options } from './options.ts';

/** A command with its arguments and options. */
export interface Invocation {
  command: CommandName;
  args: string[];
  /** As given; the namespace of the context counts otherwise. */
  namespace?: string;
  kubeconfig: LoadKubeConfigOptions;
  output: Output;
  path?: string;
  watch: boolean;
  plan?: string;
  reason?: string;
  until?: string;
  yes: boolean;
  clusterWindowsNamespace?: string;
  /** Undefined when its address is not given. */
  nats?: NatsAddress;
  /** Most records. */
  limit: number;
  /** Milliseconds after which waiting ends. */
  timeoutMs: number;
}

/** Where NATS is, and as whom to log in. */
export type NatsAddress = Omit<BusOptions, 'owns' | 'logger'>;

/** What the command line asks for. */
export type Request = { help: string } | { invocation: Invocation };

const optionTypes = Object.fromEntries(
  Object.entries<OptionSpec>(options).map(([name, { value, short }]) => {
    const type = value === undefined ? ('boolean' as const) : ('string' as const);
    return [name, { type, ...(short && { short }) }];
  }),
);

/**
 * Reads the command line.
 *
 * @param argv the arguments after the program's name
 * @param env names the kubeconfig when no option does
 * @throws UsageError for what cannot be used
 */
export function readConfig(
  argv: readonly string[],
  env: Record<string, string | undefined>,
): Request {
  const { values, positionals } = parse(argv);
  const [name, ...args] = positionals;
  if (name === undefined || name === 'help') {
    return {
      help:
        name && args[0] && isCommand(args[0]) ? formatCommandHelp(args[0]) : formatProgramHelp(),
    };
  }
  if (!isCommand(name)) {
    throw new UsageError(
      `there is no command '${name}': ${Object.keys(commands).join(', ')} are known`,
    );
  }
  if (values['help'] === true) return { help: formatCommandHelp(name) };
  checkOptions(name, values);
  if (values['watch'] === true && values['path'] !== undefined) {
    throw new UsageError('--watch and --path exclude each other: files are compared once');
  }
  return { invocation: invocationOf(name, { values, args: checkedArgs(name, args), env }) };
}

type Values = Record<string, string | boolean | undefined>;

function parse(argv: readonly string[]): { values: Values; positionals: string[] } {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options: optionTypes,
      allowPositionals: true,
    });
    return { values: values as Values, positionals };
  } catch (error) {
    const [message = ''] = (error as Error).message.split('. ');
    throw new UsageError(`${message}: see ${programName} --help`, { cause: error });
  }
}

function checkOptions(name: CommandName, values: Values): void {
  const known = optionsOf(commands[name]) as string[];
  const wrong = Object.keys(values).find((option) => !known.includes(option));
  if (wrong !== undefined) {
    throw new UsageError(`${name} has no option --${wrong}: see ${programName} ${name} --help`);
  }
}

/** `KIND/NAME` is the same as `KIND NAME`, as with kubectl. */
function checkedArgs(name: CommandName, given: string[]): string[] {
  const words = commands[name].args.join(' ');
  const wanted = words.split(' ').length;
  const parts = given.length === 1 && wanted === 2 ? (given[0] as string).split('/') : given;
  const isFull = parts.length === wanted && parts.every((part) => part !== '');
  if (isFull || (parts.length === 0 && words.startsWith('['))) return parts;
  throw new UsageError(
    `${name} takes ${words}, not ${given.length} argument${given.length === 1 ? '' : 's'}: see ${programName} ${name} --help`,
  );
}

interface Given {
  values: Values;
  args: string[];
  env: Record<string, string | undefined>;
}

function invocationOf(command: CommandName, { values, args, env }: Given): Invocation {
  const text = (name: OptionName) => values[name] as string | undefined;
  return {
    command,
    args,
    namespace: nonEmpty('namespace', text('namespace')),
    // What the user's own kubeconfig says is done, as kubectl does.
    kubeconfig: {
      path: nonEmpty('kubeconfig', text('kubeconfig')),
      context: nonEmpty('context', text('context')),
      insecureExec: true,
      insecureTls: true,
      env,
    },
    output: outputOf(command, text('output')),
    path: nonEmpty('path', text('path')),
    watch: values['watch'] === true,
    plan: digestOf(text('plan')),
    reason: nonEmpty('reason', text('reason')?.trim()),
    until: nonEmpty('until', text('until')),
    yes: values['yes'] === true,
    clusterWindowsNamespace: nonEmpty(
      'cluster-windows-namespace',
      text('cluster-windows-namespace'),
    ),
    nats: natsOf(text),
    limit: limitOf(text('limit')),
    timeoutMs: timeoutOf(text('timeout')),
  };
}

const defaultLimit = 50;
const maxLimit = 10_000;

function limitOf(value: string | undefined): number {
  if (value === undefined) return defaultLimit;
  const limit = /^[0-9]{1,5}$/.test(value) ? Number(value) : 0;
  if (limit >= 1 && limit <= maxLimit) return limit;
  throw new UsageError(`--limit '${value}' is no number from 1 to ${maxLimit}`);
}

const defaultTimeoutMs = 5 * 60_000;

function timeoutOf(value: string | undefined): number {
  if (value === undefined) return defaultTimeoutMs;
  const ms = millisecondsOf(value);
  if (ms > 0 && ms <= maxDelayMs) return ms;
  throw new UsageError(`--timeout '${value}' is no duration such as 2m30s`);
}

function millisecondsOf(value: string): number {
  try {
    return parseDuration(value);
  } catch (error) {
    throw new UsageError(`--timeout '${value}' is no duration such as 2m30s`, { cause: error });
  }
}

/** Who connects shows the name of a user, for the charts let each read only the answers under its own. */
function natsOf(text: (name: OptionName) => string | undefined): NatsAddress | undefined {
  const url = nonEmpty('nats-url', text('nats-url'));
  if (url === undefined) return undefined;
  const user = text('nats-user');
  return {
    url,
    name: user || 'auditor',
    user,
    passwordFile: text('nats-password-file'),
    credsFile: text('nats-creds-file'),
    tls: { caFile: text('nats-tls-ca-file') },
    prefix: text('nats-prefix') || 'sluice',
  };
}

function nonEmpty(name: OptionName, value: string | undefined): string | undefined {
  if (value === '') throw new UsageError(`--${name} is empty: give it a value or leave it out`);
  return value;
}

function outputOf(command: CommandName, value: string | undefined): Output {
  const { outputs }: CommandSpec = commands[command];
  if (value === undefined) return 'text';
  const output = outputs.find((one) => one === value);
  if (output !== undefined) return output;
  throw new UsageError(`--output '${value}' is not known to ${command}: ${outputs.join(', ')}`);
}

/** A part of a digest would be another plan's as well, if somebody tried hard enough. */
function digestOf(value: string | undefined): string | undefined {
  if (value === undefined || /^sha256:[0-9a-f]{64}$/.test(value)) return value;
  throw new UsageError('--plan is no digest: give sha256: and all 64 digits, as plan prints them');
}
