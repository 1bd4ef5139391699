import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@sluice/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { diskMemory } from '../../src/memory/disk-memory.ts';
import { keyName, type Place } from '../../src/memory/memory.ts';

let folder: { path: string; remove(): Promise<void> };

beforeEach(async () => {
  folder = await temporaryFolder('memory');
});

afterEach(() => folder.remove());

const place: Place = {
  alert: { namespace: 'apps', name: 'alert' },
  what: 'group',
  key: 'a/b/../c',
};

describe('what alerts remember on disk', () => {
  test('is there for the next process', async () => {
    await diskMemory(folder.path).change(place, () => ({ n: 1 }));
    expect(await diskMemory(folder.path).read(place)).toEqual({ n: 1 });
    expect(await diskMemory(folder.path).all('group')).toEqual([{ place, value: { n: 1 } }]);
  });

  test('is changed one after the other', async () => {
    const memory = diskMemory(folder.path);
    const add = () => memory.change<number>(place, (n = 0) => n + 1);
    await Promise.all(Array.from({ length: 20 }, add));
    expect(await memory.read(place)).toBe(20);
  });

  test('stays as it is, or is forgotten', async () => {
    const memory = diskMemory(folder.path);
    await memory.change(place, () => 1);
    expect(await memory.change<number>(place, () => undefined)).toBe(1);
    expect(await memory.change<number>(place, () => null)).toBeUndefined();
    expect(await memory.read(place)).toBeUndefined();
    expect(await memory.all('group')).toEqual([]);
  });

  test('that cannot be read counts as forgotten', async () => {
    const memory = diskMemory(folder.path);
    await memory.change(place, () => 1);
    const name = `${keyName('apps/alert/a/b/../c')}.json`;
    await writeFile(join(folder.path, 'group', name), '{"place":');
    expect(await memory.read(place)).toBeUndefined();
    expect(await memory.change<number>(place, (n = 5) => n + 1)).toBe(6);
  });
});
