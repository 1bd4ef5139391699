import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gitRepositoryKind, type KindDefinition, type KubeObject } from '@sluice/shared/api';
import { coreResources, resourceOf } from '@sluice/shared/kube';
import {
  type GitRepository,
  type GitServer,
  startGitServer,
  testNamespace,
  untilGone,
  usageOf,
} from '@sluice/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { conditionOf, type SourceBed, startSourceBed } from './source-bed.ts';

// Each attack is one tenant's, who has a namespace of its own; what counts is that the source of another one becomes
// ready while the attack still runs, and that memory stays below the limit of the chart.

const memoryLimitMiB = 1024;
/** Large attacks take their time, which is not what counts. */
const patience = { timeoutMs: 150_000 };
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

/** The source of another tenant becomes ready. */
async function honest(name: string, at = bed) {
  return at.ready(await at.createGit(name, { url: server.url('honest'), ref: main }));
}

/** Many files of the same content in one directory: a small pack that takes long to write. */
async function manyOf(name: string, content: Buffer, count: number): Promise<void> {
  const repo = await server.createRepo(name, { 'content.bin': content });
  const blob = (await repo.git(['rev-parse', 'main:content.bin'])).trim();
  const lines = Array.from({ length: count }, (_, i) => `100644 blob ${blob}\tf${i}\n`);
  const tree = (await repo.git(['mktree'], lines.join(''))).trim();
  await repo.setRef('refs/heads/main', (await repo.git(['commit-tree', tree, '-m', 'x'])).trim());
}

/** The artifacts of an object that the controller has open for writing. */
async function beingWritten(name: string): Promise<string[]> {
  const dir = `/proc/${bed.process.pid}/fd`;
  const open = await Promise.all(
    // Those that were closed meanwhile lead nowhere.
    (await readdir(dir)).map((fd) => readlink(`${dir}/${fd}`).catch(() => '')),
  );
  return open.filter((path) => path.includes(`/gitrepository/${attacker}/${name}/`));
}

const messageOf = (object: Parameters<typeof conditionOf>[0]) =>
  conditionOf(object, 'Ready')?.message;

describe('another tenant goes on while', () => {
  it('trees expand without end', async () => {
    const names = ['tree-1', 'tree-2', 'tree-3'];
    for (const name of names) await growingTree(await server.createRepo(name), 24, 8);
    const attacks = await Promise.all(
      names.map((name) =>
        bed.createGit(name, { url: server.url(name), ref: main, timeout: '60m' }, attacker),
      ),
    );
    await honest('beside-trees');
    for (const attack of attacks) {
      const refused = await bed.failed(attack, 'GitOperationFailed', patience);
      expect(messageOf(refused)).toMatch(/more than 500000 files|paths have more than/);
    }
  }, 180_000);

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
    const refused = await bed.failed(attack, 'GitOperationFailed', patience);
    expect(messageOf(refused)).toContain('takes more than 100000000 steps');
  }, 180_000);

  it('a small pack stands for gigabytes', async () => {
    await manyOf('gigabytes', Buffer.alloc(8 * 1024 * 1024), 400);
    const attack = await bed.createGit(
      'gigabytes',
      { url: server.url('gigabytes'), ref: main },
      attacker,
    );
    await honest('beside-gigabytes');
    const refused = await bed.failed(attack, 'GitOperationFailed', patience);
    expect(messageOf(refused)).toContain('hold more than 1073741824 bytes');
  });

  it('three packs of 100 MB arrive at once', async () => {
    const repo = await server.createRepo('large');
    for (const [key, value] of [
      ['core.compression', '0'],
      ['core.bigFileThreshold', '1m'],
    ] as const) {
      await repo.git(['config', key, value]);
    }
    const files = { 'a.bin': randomBytes(50_000_000), 'b.bin': randomBytes(50_000_000) };
    await repo.commit({ files });
    const attacks = await Promise.all(
      ['large-1', 'large-2', 'large-3'].map((name) =>
        bed.createGit(name, { url: server.url('large'), ref: main, timeout: '5m' }, attacker),
      ),
    );
    await honest('beside-packs');
    for (const attack of attacks) await bed.ready(attack, undefined, patience);
  }, 180_000);

  it('an index of 20 MB is read', async () => {
    const version = (chart: number, minor: number) =>
      `  - apiVersion: v2\n    created: "2024-01-01T00:00:00Z"\n    description: ${'d'.repeat(200)}\n    name: chart-${chart}\n    urls:\n    - https://example.com/chart-${chart}-1.${minor}.0.tgz\n    version: 1.${minor}.0\n`;
    const index = Array.from({ length: 500 }, (_, chart) => {
      const versions = Array.from({ length: 110 }, (_, minor) => version(chart, minor));
      return `  chart-${chart}:\n${versions.join('')}`;
    });
    const body = Buffer.from(`apiVersion: v1\nentries:\n${index.join('')}`);
    expect(body.length).toBeGreaterThan(20_000_000);
    const http = createServer((_, response) => response.end(body)).listen(0, '127.0.0.1');
    await once(http, 'listening');
    // A process whose peak is not of another attack.
    const fresh = await startSourceBed();
    try {
      await honest('before-index', fresh);
      const before = (await usageOf(fresh.process.pid)).peakRssMiB;
      const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
      const attack = await fresh.createHelm('index', { url, timeout: '5m' }, attacker);
      await honest('beside-index', fresh);
      await fresh.ready(attack, undefined, patience);
      const { peakRssMiB } = await usageOf(fresh.process.pid);
      expect(peakRssMiB - before).toBeGreaterThan(0);
      expect(peakRssMiB - before).toBeLessThan(300);
    } finally {
      await fresh.stop();
      http.closeAllConnections();
      http.close();
    }
  }, 180_000);
});

describe('the writing of an artifact that runs', () => {
  const isWriting = (name: string) =>
    vi.waitUntil(async () => (await beingWritten(name)).length > 0, { timeout: 100_000 });
  const hasEnded = (name: string) =>
    vi.waitUntil(async () => (await beingWritten(name)).length === 0, { timeout: 10_000 });

  beforeAll(() => manyOf('slow', randomBytes(8 * 1024 * 1024), 120));

  async function expectNoArtifact(name: string) {
    const { items } = await bed.client.list<KubeObject & { reason: string }>(coreResources.events, {
      namespace: attacker,
      fieldSelector: `involvedObject.name=${name}`,
    });
    expect(items.filter(({ reason }) => reason === 'NewArtifact')).toEqual([]);
    const dir = `${bed.storage}/gitrepository/${attacker}/${name}`;
    expect(await readdir(dir).catch(() => [])).toEqual([]);
  }

  it('is cut off by spec.timeout', async () => {
    const spec = { url: server.url('slow'), ref: main, timeout: '10s' };
    const attack = await bed.createGit('slow-timeout', spec, attacker);
    await isWriting('slow-timeout');
    const failed = await bed.failed(attack, 'GitOperationFailed', patience);
    expect(messageOf(failed)).toContain('10s, the limit of spec.timeout');
    await bed.patchSpec(attack, { suspend: true });
    await hasEnded('slow-timeout');
    await expectNoArtifact('slow-timeout');
  }, 180_000);

  it('is cut off when its object is deleted', async () => {
    const spec = { url: server.url('slow'), ref: main, timeout: '60m' };
    const { metadata } = await bed.createGit('slow-deleted', spec, attacker);
    await isWriting('slow-deleted');
    await bed.client.delete(resource, metadata);
    await untilGone(bed.client, resource, metadata);
    await hasEnded('slow-deleted');
    await expectNoArtifact('slow-deleted');
    await honest('after-slow');
  }, 180_000);
});
