import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '@sluice/shared/base';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IndexCache } from '../../src/helm-repository/index-cache.ts';

let dir: string;
const clock = new FakeClock();

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'indexes-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function artifactOf(name: string, padding = '') {
  const entries = { app: [{ name: 'app', version: '1.0.0', urls: [padding] }] };
  await writeFile(join(dir, name), JSON.stringify({ apiVersion: 'v1', entries }));
  const digest = `sha256:${'0'.repeat(64)}`;
  return { path: name, url: '', revision: digest, digest, lastUpdateTime: '' };
}

function cacheOf(o: Partial<ConstructorParameters<typeof IndexCache>[0]> = {}) {
  const events: string[] = [];
  const cache = new IndexCache({
    localPath: async (path) => join(dir, path),
    maxBytes: 10_000,
    maxEntries: 0,
    ttlMs: 1000,
    purgeIntervalMs: 100,
    clock,
    onUse: (event) => events.push(event),
    ...o,
  });
  return { cache, events };
}

describe('IndexCache', () => {
  it('reads an index once for all who ask at the same time, and those after them', async () => {
    const { cache, events } = cacheOf();
    const artifact = await artifactOf('a');
    const found = await Promise.all(Array.from({ length: 100 }, () => cache.get(artifact)));
    expect(new Set(found).size).toBe(1);
    expect(await cache.get(artifact)).toBe(found[0]);
    expect(events.at(-1)).toBe('cache_hit');
  });

  it('keeps what was put into it', async () => {
    const { cache } = cacheOf();
    const artifact = await artifactOf('a');
    const charts = new Map([['x', '[]']]);
    cache.put(artifact, charts);
    expect(await cache.get(artifact)).toBe(charts);
  });

  it('forgets an index that nobody used for its time', async () => {
    const { cache } = cacheOf();
    const artifact = await artifactOf('a');
    const first = await cache.get(artifact);
    await clock.advance(900);
    expect(await cache.get(artifact)).toBe(first);
    await clock.advance(900);
    expect(await cache.get(artifact)).toBe(first);
    await clock.advance(1100);
    expect(cache.size).toBe(0);
    expect(clock.pending).toBe(0);
    expect(await cache.get(artifact)).not.toBe(first);
  });

  it.each([
    { name: 'number', limits: { maxEntries: 2 }, padding: '' },
    { name: 'bytes', limits: { maxBytes: 2500 }, padding: 'x'.repeat(1000) },
  ])('keeps those used last, limited by their $name', async ({ limits, padding }) => {
    const { cache, events } = cacheOf(limits);
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((name) => artifactOf(name, padding)));
    for (const artifact of [a, b, a, c]) await cache.get(artifact as NonNullable<typeof a>);
    expect(cache.size).toBe(2);
    events.length = 0;
    for (const artifact of [a, c, b]) await cache.get(artifact as NonNullable<typeof a>);
    expect(events).toEqual(['cache_hit', 'cache_hit', 'cache_miss']);
  });

  it('fails when the file is gone', async () => {
    const { cache } = cacheOf();
    const artifact = await artifactOf('a');
    await rm(join(dir, 'a'));
    await expect(cache.get(artifact)).rejects.toThrow('ENOENT');
    expect(cache.size).toBe(0);
  });
});
