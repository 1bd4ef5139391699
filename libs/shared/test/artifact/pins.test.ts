import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArtifactStore } from '@sluice/shared/artifact';
import { FakeClock } from '@sluice/shared/base';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PinBudget } from '../../src/artifact/pins.ts';

const gibibyte = 1024 ** 3;

describe('the budget of pinned files', () => {
  const filesOf = (count: number, o: { from?: number; bytes?: number } = {}) =>
    Array.from({ length: count }, (_, index) => ({
      name: `${index}`,
      mtimeMs: (o.from ?? 0) + index,
      bytes: o.bytes ?? 1,
    }));
  const all = (owner: string) => new Set(filesOf(20).map(({ name }) => `${owner}/${name}`));

  it('keeps what is needed, and nothing else', () => {
    const needed = new Set(['k/ns/a/1']);
    expect(new PinBudget().admit('k/ns/a', filesOf(3), needed)).toEqual(new Set(['1']));
    expect(new PinBudget().admit('k/ns/a', filesOf(3), undefined)).toEqual(new Set());
  });

  it('keeps the ten newest of a namespace, whoever they are of', () => {
    const budget = new PinBudget();
    expect(budget.admit('k/ns/a', filesOf(4), all('k/ns/a')).size).toBe(4);
    const newer = filesOf(8, { from: 100 });
    expect(budget.admit('k/ns/b', newer, all('k/ns/b')).size).toBe(8);
    expect(budget.admit('k/ns/a', filesOf(4), all('k/ns/a'))).toEqual(new Set(['2', '3']));
    expect(budget.admit('k/other/a', filesOf(4), all('k/other/a')).size).toBe(4);
    budget.admit('k/ns/b', [], undefined);
    expect(budget.admit('k/ns/a', filesOf(4), all('k/ns/a')).size).toBe(4);
  });

  it('keeps no more than 1 GiB of a namespace', () => {
    const budget = new PinBudget();
    const files = filesOf(4, { bytes: gibibyte / 2 });
    expect(budget.admit('k/ns/a', files, all('k/ns/a'))).toEqual(new Set(['2', '3']));
  });
});

describe('a storage of which artifacts are pinned', () => {
  const clock = new FakeClock();
  const owner = { namespace: 'ns', name: 'app' };
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'pins-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  async function collect(isCurrent: boolean, pinned: string[]): Promise<string[]> {
    const store = new ArtifactStore({
      dir,
      advertisedAddress: 'x',
      retentionTtlMs: 1000,
      retentionRecords: 1,
      digestAlgorithm: 'sha256',
      pins: { isCurrent: () => isCurrent, of: () => new Set(pinned) },
      clock,
    });
    const objectDir = join(dir, 'bucket/ns/app');
    for (const name of ['old', 'older', 'current']) {
      const place = await store.place('Bucket', owner, name);
      await writeFile(place.temporary, name);
      await store.commit(place, { revision: name, digest: 'sha256:x', size: 1 });
      await utimes(join(objectDir, name), 0, 0);
    }
    await store.garbageCollect('Bucket', owner, { path: 'bucket/ns/app/current' });
    return (await readdir(objectDir)).filter((name) => !name.startsWith('latest')).sort();
  }

  it('keeps these, and removes the others', async () => {
    expect(await collect(true, ['bucket/ns/app/old'])).toEqual(['current', 'old']);
  });

  it('removes nothing while it is not known which they are', async () => {
    expect(await collect(false, [])).toEqual(['current', 'old', 'older']);
  });
});
