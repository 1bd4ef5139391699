import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');

test('each test that the threat model names exists', () => {
  const page = readFileSync(join(root, 'docs/security/threat-model.md'), 'utf8');
  const names = [...page.matchAll(/`([^`]+(?:\.test\.ts|_test\.go))`/g)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(40);
  expect(names.filter((name) => !existsSync(join(root, name ?? '')))).toEqual([]);
});
