import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HelmRelease } from '@sluice/shared/api';
import { expect, test } from 'vitest';
import { configReferencesOf, sourceReferencesOf } from '../../src/values/referenced.ts';
import { readValuesFile } from '../../src/values/values-file.ts';
import { directory } from './helm.ts';

test('names the objects that a HelmRelease refers to', () => {
  const object = {
    metadata: { name: 'app', namespace: 'apps' },
    spec: {
      valuesFrom: [
        { kind: 'ConfigMap', name: 'a' },
        { kind: 'Secret', name: 'b', optional: true },
        { kind: 'GitRepository', name: 'c', path: 'x' },
        { kind: 'Bucket', name: 'd', namespace: 'other', path: 'x' },
      ],
      kubeConfig: { secretRef: { name: 'e' }, configMapRef: { name: 'f' } },
    },
  } as HelmRelease;
  expect(configReferencesOf(object)).toEqual([
    'ConfigMap/apps/a',
    'Secret/apps/b',
    'Secret/apps/e',
    'ConfigMap/apps/f',
  ]);
  expect(sourceReferencesOf(object)).toEqual(['GitRepository/apps/c', 'Bucket/other/d']);
  const plain = { metadata: { name: 'x' }, spec: {} } as HelmRelease;
  expect([configReferencesOf(plain), sourceReferencesOf(plain)]).toEqual([[], []]);
});

test.each(['link.yaml', 'linked/values.yaml'])('follows no symbolic link at %s', async (path) => {
  const [dir, outside] = [await directory(), await directory()];
  await writeFile(join(outside, 'values.yaml'), 'canary: 1');
  await symlink(join(outside, 'values.yaml'), join(dir, 'link.yaml'));
  await symlink(outside, join(dir, 'linked'));
  await expect(readValuesFile(dir, path)).rejects.toThrow('is not a regular file');
});
