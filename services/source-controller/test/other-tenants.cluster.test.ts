import { gitRepositoryKind, type KindDefinition } from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import {
  type GitRepository,
  type GitServer,
  startGitServer,
  testNamespace,
  untilGone,
  usageOf,
} from '@sluice/shared/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { conditionOf, type SourceBed, startSourceBed } from './source-bed.ts';

// Each attack is one tenant's, who has a namespace of its own; what counts is that the source of another one becomes
// ready while the attack still runs, and that memory stays below the limit of the chart.

const memoryLimitMiB = 1024;
const main = { branch: 'main' };
const resource = resourceOf(gitRepositoryKind as KindDefinition);

let bed: SourceBed;
let server: GitServer;
let attacker: string;

beforeAll(async () => {
  [bed, server] = await Promise.all([startSourceBed(), startGitServer()]);
  attacker = await testNamespace(bed.client, 'attacker');
  await server.createRepo('honest', { 'a.yaml': 'a: 1\n' });
});

afterEach(async () => {
  // The highest value since the start.
  const { peakRssMiB } = await usageOf(bed.process.pid);
  expect(peakRssMiB).toBeGreaterThan(0);
  expect(peakRssMiB).toBeLessThan(memoryLimitMiB);
});

afterAll(async () => {
  await bed?.stop();
  await server?.stop();
});

/** A tree whose directories each hold the same directory a few times, down to a file. */
async function growingTree(repo: GitRepository, depth: number, width: number): Promise<void> {
  const write = (type: string, content: Uint8Array) =>
    repo.git(['hash-object', '-w', '-t', type, '--stdin', '--literally'], content);
  let oid = (await write('blob', Buffer.from('x'))).trim();
  for (let level = 0; level < depth; level++) {
    const mode = level === 0 ? '100644' : '40000';
    const entries = Array.from({ length: width }, (_, i) =>
      Buffer.concat([Buffer.from(`${mode} d${i}\0`), Buffer.from(oid, 'hex')]),
    );
    oid = (await write('tree', Buffer.concat(entries))).trim();
  }
  const commit = (await repo.git(['commit-tree', oid, '-m', 'Grow'])).trim();
  await repo.setRef('refs/heads/main', commit);
}

async function honest(name: string) {
  return bed.ready(await bed.createGit(name, { url: server.url('honest'), ref: main }));
}

const messageOf = (object: Parameters<typeof conditionOf>[0]) =>
  conditionOf(object, 'Ready')?.message;

describe('another tenant goes on while', () => {
  it('trees expand without end, and deletion ends the work on them', async () => {
    const names = ['tree-1', 'tree-2', 'tree-3'];
    for (const name of names) await growingTree(await server.createRepo(name), 24, 8);
    const attacks = await Promise.all(
      names.map((name) =>
        bed.createGit(name, { url: server.url(name), ref: main, timeout: '60m' }, attacker),
      ),
    );
    await honest('beside-trees');
    for (const attack of attacks) {
      const refused = await bed.failed(attack, 'GitOperationFailed');
      expect(messageOf(refused)).toMatch(/more than 500000 files|paths have more than/);
    }
    await Promise.all(
      attacks.map(async ({ metadata }) => {
        await bed.client.delete(resource, metadata);
        await untilGone(bed.client, resource, metadata);
      }),
    );
  });

  it('patterns are multiplied by files', async () => {
    const pattern = (i: number) => `*m*a*n*i*f*e*s*t*${i}x*`;
    const sourceignore = Array.from({ length: 4900 }, (_, i) => pattern(i)).join('\n');
    const files = Object.fromEntries(
      Array.from({ length: 3000 }, (_, i) => [`apps/manifest-${i}.yaml`, 'a: 1\n']),
    );
    await server.createRepo('patterns', { ...files, '.sourceignore': sourceignore });
    const attack = await bed.createGit(
      'patterns',
      { url: server.url('patterns'), ref: main, timeout: '60m' },
      attacker,
    );
    await honest('beside-patterns');
    const refused = await bed.failed(attack, 'GitOperationFailed');
    expect(messageOf(refused)).toContain('takes more than 100000000 steps');
  });

  it('a small pack stands for gigabytes', async () => {
    const repo = await server.createRepo('gigabytes', {
      'zeros.bin': Buffer.alloc(8 * 1024 * 1024),
    });
    const blob = (await repo.git(['rev-parse', 'main:zeros.bin'])).trim();
    const lines = Array.from({ length: 400 }, (_, i) => `100644 blob ${blob}\tf${i}\n`);
    const tree = (await repo.git(['mktree'], lines.join(''))).trim();
    await repo.setRef('refs/heads/main', (await repo.git(['commit-tree', tree, '-m', 'x'])).trim());
    const attack = await bed.createGit(
      'gigabytes',
      { url: server.url('gigabytes'), ref: main },
      attacker,
    );
    await honest('beside-gigabytes');
    const refused = await bed.failed(attack, 'GitOperationFailed');
    expect(messageOf(refused)).toContain('hold more than 1073741824 bytes');
  });
});
