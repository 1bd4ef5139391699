import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { recipeOf } from '../../provision/catalogue.ts';
import { versionFits } from '../../provision/find.ts';
import { pinnedVersion, provision, toolNames } from '../../provision/index.ts';
import { commandTools, serverTools } from '../cluster-tools.ts';

const run = promisify(execFile);
const used = toolNames.filter((name) => [...serverTools, ...commandTools].includes(name));

test.each(used.map((name) => ({ name })))(
  '$name says the version that it is pinned to',
  async ({ name }) => {
    const path = (await provision([name], { onProgress: () => {} }))[name];
    const { stdout, stderr } = await run(path, recipeOf(name).versionArgs);
    expect(`${stdout}${stderr}`).toSatisfy((text) => versionFits(text, pinnedVersion(name)));
  },
);
