import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { toolPath } from '@sluice/testing';
import { describe, expect, test } from 'vitest';
import { alertNames } from '../../generate/monitoring/rules.ts';

const root = join(import.meta.dirname, '../../..');
const execute = promisify(execFile);

const page = readFileSync(join(root, 'docs/runbooks.md'), 'utf8');
const sections = page
  .split(/^## /m)
  .slice(1)
  .map((text) => {
    const [alert = '', ...lines] = text.split('\n');
    return { alert, text: lines.join('\n') };
  });

/** The commands of flux and kubectl, in blocks and in the text, without what follows a pipe. */
const commands = [
  ...new Set(
    [...page.matchAll(/(?:^|`)((?:flux|kubectl) [^`\n|]+)/gm)].map(([, line]) =>
      (line as string).trim(),
    ),
  ),
];

test('every alert has a runbook, every runbook an alert, in alphabetical order', () => {
  expect(sections.map(({ alert }) => alert)).toEqual(alertNames());
});

test.each(sections)(
  '$alert says what it means, what suffers, where to look and what to do',
  ({ text }) => {
    for (const part of ['Meaning', 'Impact', 'Diagnose', 'Fix']) {
      expect(text).toMatch(new RegExp(`^\\*\\*${part}\\.\\*\\*`, 'm'));
    }
    expect(text).toMatch(/^```sh\n(?:flux|kubectl) /m);
  },
);

test('the flags of controllers in the text exist', () => {
  const flags = readFileSync(join(root, 'docs/flags.md'), 'utf8');
  const prose = page.replaceAll(/^```[\s\S]*?^```/gm, '');
  const named = [...prose.matchAll(/`(--[a-z-]+)`/g)].map(([, flag]) => flag as string);
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((flag) => !flags.includes(`\`${flag}\``))).toEqual([]);
});

describe('the commands of the runbooks', () => {
  test('are found', () => {
    expect(commands.length).toBeGreaterThan(30);
  });

  test.each(['flux', 'kubectl'] as const)('use only flags that %s has', async (program) => {
    const own = commands.filter((command) => command.startsWith(`${program} `));
    const helps = new Map<string, string>();
    const problems: string[] = [];
    for (const command of own) {
      const key = subcommandOf(command);
      const help = helps.get(key) ?? (await helpOf(program, key));
      helps.set(key, help);
      const missing = flagsOf(command).filter((flag) => !hasFlag(help, flag));
      problems.push(...missing.map((flag) => `${command}: ${flag}`));
    }
    expect(problems).toEqual([]);
  });
});

/** The words that choose the command, such as `get all`. */
function subcommandOf(command: string): string {
  const words = command
    .replace(/\s-n\s+\S+/g, ' ')
    .replace(/<[^>]*>/g, '')
    .split(/\s+/)
    .slice(1);
  const names: string[] = [];
  for (const word of words) {
    if (!/^[a-z][a-z-]*$/.test(word)) {
      if (names.length > 0) break;
      continue;
    }
    names.push(word);
  }
  return names.join(' ');
}

function flagsOf(command: string): string[] {
  return [...command.matchAll(/(?<=\s)(--?[A-Za-z][A-Za-z-]*)/g)].map(([, flag]) => flag as string);
}

function hasFlag(help: string, flag: string): boolean {
  return new RegExp(`(^|[\\s,])${flag}([\\s,=]|$)`, 'm').test(help);
}

/** What the program says about a command, global flags included. */
async function helpOf(program: 'flux' | 'kubectl', subcommand: string): Promise<string> {
  const path = toolPath(program);
  const { stdout } = await execute(path, [...subcommand.split(' '), '--help']);
  const global = program === 'kubectl' ? (await execute(path, ['options'])).stdout : '';
  return `${stdout}\n${global}`;
}
