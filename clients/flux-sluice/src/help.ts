import { type CommandName, type CommandSpec, commands } from './commands.ts';
import { commonOptions, type OptionName, type OptionSpec, options } from './options.ts';

/** Name of the program in its texts. */
export const programName = 'flux-sluice';

/** Returns the text of `--help` without a command. */
export function formatProgramHelp(): string {
  const names = Object.keys(commands) as CommandName[];
  const width = Math.max(...names.map((name) => name.length));
  const lines = names.map((name) => `  ${name.padEnd(width)}  ${commands[name].summary}`);
  return [
    'Change control for Kustomizations and HelmReleases of Sluice.',
    '',
    `Usage: ${programName} COMMAND [OPTIONS]`,
    '',
    'Commands:',
    ...lines,
    '',
    `Run \`${programName} COMMAND --help\` for the arguments and options of a command.`,
    '',
  ].join('\n');
}

/** Returns the text of `--help` of a command. */
export function formatCommandHelp(name: CommandName): string {
  const spec: CommandSpec = commands[name];
  const lines = optionsOf(spec).map((option) => optionLine(option, spec));
  return [
    `${spec.summary}.`,
    '',
    `Usage: ${[programName, name, ...spec.args].join(' ')} [OPTIONS]`,
    '',
    ...spec.about.flatMap((paragraph) => [paragraph, '']),
    'Options:',
    ...lines,
    '',
  ].join('\n');
}

/** Returns the names of the options that a command takes. */
export function optionsOf(spec: CommandSpec): OptionName[] {
  return [...spec.options, ...commonOptions];
}

function optionLine(name: OptionName, { outputs }: CommandSpec): string {
  const { short, value, help }: OptionSpec = options[name];
  const words = `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
  const formats = name === 'output' ? `: ${outputs.join(', ')}` : '';
  return `  ${words.padEnd(24)}${words.length < 24 ? '' : `\n${' '.repeat(26)}`}${help}${formats}`;
}
