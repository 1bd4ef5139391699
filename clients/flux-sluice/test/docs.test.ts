import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type CommandName, commands } from '../src/commands.ts';
import { formatCommandHelp } from '../src/help.ts';

const page = await readFile(join(import.meta.dirname, '../../../docs/cli.md'), 'utf8');
const names = Object.keys(commands) as CommandName[];

test.each(names)('the page about the command line says of %s what its help says', (name) => {
  expect(page).toContain(`\n## ${name}\n`);
  expect(page).toContain(`\`\`\`text\n${formatCommandHelp(name)}\`\`\`\n`);
});

test('the page has no command that the program lacks', () => {
  const usages = [...page.matchAll(/^Usage: flux-sluice (\S+)/gm)].map(([, name]) => name);
  expect(usages).toEqual(names);
});
