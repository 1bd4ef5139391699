import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder, testCluster, testNamespace, toolPath } from '@sluice/testing';
import { dump, loadAll } from 'js-yaml';
import { beforeAll, expect, test } from 'vitest';
import { packageCharts } from '../../charts/package.ts';
import { problemsOf } from './check.ts';
import { examplesOf, isObject, pages } from './examples.ts';

const root = join(import.meta.dirname, '../../..');
const execute = promisify(execFile);
let dir: string;

beforeAll(async () => {
  const folder = await temporaryFolder('commands');
  dir = folder.path;
  await packageCharts({ helm: toolPath('helm'), dir: join(dir, 'dist/charts') });
  await writeFile(join(dir, 'values.yaml'), '');
  return folder.remove;
});

async function run(tool: 'flux' | 'helm', args: string[]): Promise<string> {
  const options = { cwd: dir, env: { HOME: dir }, maxBuffer: 2 ** 26 };
  return (await execute(toolPath(tool), args, options)).stdout;
}

/** The commands in the blocks of shell of a page that begin with some words, as arguments. */
function commandsOf(page: string, start: RegExp): string[][] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)]
    .flatMap(([, block = '']) => block.replaceAll(/\\\n\s*/g, '').split('\n'))
    .map((line) => line.replace(/ +(#|> ).*$/, '').trim())
    .filter((line) => start.test(line))
    .map((line) => line.split(/\s+/).slice(1));
}

const withFlux = pages.filter((page) => commandsOf(page, /^flux create /).length > 0);
const withHelm = pages.filter((page) => commandsOf(page, /^helm .*dist\/charts/).length > 0);
const withValues = pages.filter((page) => examplesOf(page).some(({ mark }) => mark === 'values'));

test('there are commands and values to check', () => {
  expect(withFlux.length).toBeGreaterThan(3);
  expect(withHelm).toContain(join('docs', 'installing.md'));
  expect(withValues).toContain(join('docs', 'installing.md'));
});

test.for(withFlux)('what the flux CLI makes of the commands of %s is valid', async (page) => {
  const { client } = await testCluster();
  const namespace = await testNamespace(client, 'docs');
  for (const args of commandsOf(page, /^flux create /)) {
    const text = await run('flux', [...args.filter((arg) => arg !== '--export'), '--export']);
    const objects = loadAll(text).filter(isObject);
    expect(objects).not.toEqual([]);
    const found = objects.map((object) => ({ object, at: `flux ${args.join(' ')}` }));
    expect(await problemsOf(found, { client, namespace })).toEqual([]);
  }
});

test.for(withHelm)('the charts take the commands of %s', async (page) => {
  for (const [, ...args] of commandsOf(page, /^helm .*dist\/charts/)) {
    const kept = args.filter((arg) => !['--install', '--wait'].includes(arg));
    expect(await run('helm', ['template', ...kept])).toContain('kind: Deployment');
  }
});

test.for(withValues)('the charts take the values of %s', async (page) => {
  for (const { mark, documents } of examplesOf(page)) {
    if (mark !== 'values') continue;
    await writeFile(join(dir, 'example.yaml'), dump(documents[0]));
    const chart = `dist/charts/sluice-${version}.tgz`;
    const text = await run('helm', ['template', 'sluice', chart, '--values', 'example.yaml']);
    expect(text).toContain('kind: Deployment');
  }
});

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string;
};
