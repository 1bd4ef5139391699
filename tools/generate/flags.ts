import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describeFlags, type FlagDescription, type FlagSpecs } from '@sluice/shared/base';
import { generatedMark } from './generator.ts';

const services = join(import.meta.dirname, '../../services');

/** The flags of one service. */
export interface ServiceFlags {
  service: string;
  flags: FlagDescription[];
}

/** Generates docs/flags.md from the flag declarations, which each service's config.ts exports. */
export async function generateFlags(): Promise<Map<string, string>> {
  return new Map([['docs/flags.md', flagsPage(await readServiceFlags())]]);
}

async function readServiceFlags(): Promise<ServiceFlags[]> {
  const specs = await readServiceFlagSpecs();
  return [...specs].map(([service, flags]) => ({ service, flags: describeFlags(flags) }));
}

/** Reads the flag declarations of every service, by the service's name. */
export async function readServiceFlagSpecs(): Promise<Map<string, FlagSpecs>> {
  const names = readdirSync(services)
    .filter((name) => existsSync(join(services, name, 'src/config.ts')))
    .sort();
  const entries = await Promise.all(
    names.map(async (service): Promise<[string, FlagSpecs]> => {
      const file = join(services, service, 'src/config.ts');
      const exported = (await import(pathToFileURL(file).href)) as Record<string, FlagSpecs>;
      const [name, more] = Object.keys(exported).filter((key) => /flags$/i.test(key));
      if (name === undefined || more !== undefined)
        throw new Error(
          `${file}: export the flag declarations, once, under a name that ends in flags`,
        );
      return [service, exported[name] as FlagSpecs];
    }),
  );
  return new Map(entries);
}

/** Writes the page: the flags that all services declare alike, then those of each service. */
export function flagsPage(all: ServiceFlags[]): string {
  const common = (all[0]?.flags ?? []).filter((flag) =>
    all.every(({ flags }) => flags.some((other) => rowOf(other) === rowOf(flag))),
  );
  const isCommon = (flag: FlagDescription) => common.some((c) => rowOf(c) === rowOf(flag));
  return `${[
    `<!-- ${generatedMark}; edit the config.ts of the service instead. -->`,
    '# Flags',
    "Flags follow Go's syntax: `--flag=value`, `--flag value`, and `--switch` for true. Durations are like `1h30m`, `5s`, `750ms`. A list is repeated or separated by commas. Where an environment variable is named, it stands in when the flag is not given. A value that cannot be used ends the program with a message that names the flag and the fix; `--help` prints the same list.",
    '## All services',
    'The same in every service.',
    table(common),
    ...all.flatMap(({ service, flags }) => {
      const own = flags.filter((flag) => !isCommon(flag));
      return [`## ${service}`, own.length === 0 ? 'No flags of its own.' : table(own)];
    }),
  ].join('\n\n')}\n`;
}

function table(flags: FlagDescription[]): string {
  const head = ['| Flag | Type | Default | Environment | Meaning |', '|---|---|---|---|---|'];
  return [...head, ...flags.map(rowOf)].join('\n');
}

function rowOf({ name, type, default: fallback, env, help }: FlagDescription): string {
  const code = (text: string | undefined) => (text ? `\`${text}\`` : '');
  const cells = [code(`--${name}`), type, code(fallback), code(env), help];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
