import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repositoryName } from '../../src/pods/image.ts';
import { pathInRoot } from '../../src/pods/root-path.ts';

describe('a path of a container', () => {
  let folder: { path: string; remove(): Promise<void> };

  beforeAll(async () => {
    folder = await temporaryFolder('root');
    await mkdir(join(folder.path, 'var'));
    await mkdir(join(folder.path, 'usr/bin'), { recursive: true });
    await symlink('/run', join(folder.path, 'var/run'));
    await symlink('usr/bin', join(folder.path, 'bin'));
    await symlink('../../../../..', join(folder.path, 'usr/up'));
    await symlink('/circle', join(folder.path, 'circle'));
  });
  afterAll(() => folder.remove());

  test.each([
    { name: 'without links stays as it is', path: '/usr/bin/node', expected: '/usr/bin/node' },
    { name: 'need not exist', path: '/none/at/all', expected: '/none/at/all' },
    { name: 'follows an absolute link', path: '/var/run/secrets', expected: '/run/secrets' },
    { name: 'follows a relative link', path: '/bin/node', expected: '/usr/bin/node' },
    {
      name: 'never leaves the root by a link',
      path: '/usr/up/etc/passwd',
      expected: '/etc/passwd',
    },
    { name: 'never leaves the root by dots', path: '/../../etc', expected: '/etc' },
  ])('$name', ({ path, expected }) => {
    expect(pathInRoot(folder.path, path)).toBe(expected);
  });

  test('that goes round in circles is refused', () => {
    expect(() => pathInRoot(folder.path, '/circle/x')).toThrow('/circle/x: too many links');
  });
});

test.each([
  { reference: 'sluice/source-controller:v0.1.0', name: 'source-controller' },
  { reference: 'registry.example.com:5000/a/helm-controller', name: 'helm-controller' },
  { reference: 'registry.example.com/nats:2.15-alpine@sha256:00ff', name: 'nats' },
])('the repository of $reference ends in $name', ({ reference, name }) => {
  expect(repositoryName(reference)).toBe(name);
});
