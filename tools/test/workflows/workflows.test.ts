import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { toolPath } from '@sluice/testing';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { imageRecipes } from '../../images/index.ts';

const root = join(import.meta.dirname, '../../..');
const paths = globSync('.github/workflows/*.yaml', { cwd: root }).sort();

interface Step {
  uses?: string;
  with?: Record<string, unknown>;
}

interface Workflow {
  permissions: Record<string, string>;
  jobs: Record<
    string,
    {
      permissions?: Record<string, string>;
      'timeout-minutes'?: number;
      strategy?: { matrix: { controller: string[] } };
      steps: Step[];
    }
  >;
}

const read = (path: string) => load(readFileSync(join(root, path), 'utf8')) as Workflow;

test('there are a workflow for changes and one for releases', () => {
  expect(paths).toEqual(['.github/workflows/ci.yaml', '.github/workflows/release.yaml']);
});

test('actionlint finds nothing', async () => {
  // It runs shellcheck where that is installed; what is said must not depend on the machine.
  const args = ['-no-color', '-shellcheck=', '-pyflakes=', ...paths];
  await promisify(execFile)(toolPath('actionlint'), args, { cwd: root });
});

describe.each(paths)('%s', (path) => {
  const workflow = read(path);
  const jobs = Object.entries(workflow.jobs);

  test('gives no job more than it names', () => {
    expect(workflow.permissions).toEqual({});
    const silent = jobs.filter(([, job]) => !job.permissions || !job['timeout-minutes']);
    expect(silent.map(([name]) => name)).toEqual([]);
  });

  test('pins each action to a commit', () => {
    const actions = jobs.flatMap(([, { steps }]) => steps.flatMap(({ uses }) => uses ?? []));
    expect(actions.length).toBeGreaterThan(0);
    expect(actions.filter((action) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/.test(action))).toEqual([]);
  });

  test('keeps no token of the checkout', () => {
    const checkouts = jobs
      .flatMap(([, { steps }]) => steps)
      .filter(({ uses }) => uses?.startsWith('actions/checkout@'));
    expect(checkouts.filter((step) => step.with?.['persist-credentials'] !== false)).toEqual([]);
  });
});

test('every image is released', () => {
  const { images } = read('.github/workflows/release.yaml').jobs;
  const released = images?.strategy?.matrix.controller;
  expect(released?.toSorted()).toEqual(imageRecipes.map(({ name }) => name).sort());
});

test('only the job that creates the release may write to the repository', () => {
  const { jobs } = read('.github/workflows/release.yaml');
  const writers = Object.entries(jobs).filter(
    ([, job]) => job.permissions?.['contents'] !== 'read',
  );
  expect(writers.map(([name]) => name)).toEqual(['release']);
});
