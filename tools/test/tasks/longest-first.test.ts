import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { longFiles } from '../longest-first.ts';

const root = join(import.meta.dirname, '../../..');

test('the files that start first are there', () => {
  expect(longFiles.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});
