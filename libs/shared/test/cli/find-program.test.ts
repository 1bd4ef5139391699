import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram } from '@sluice/shared/cli';
import { temporaryFolder } from '@sluice/testing';
import { expect, onTestFinished, test } from 'vitest';

test('the first executable file of the search path is found, and nothing else', async () => {
  const folder = await temporaryFolder('find-program');
  onTestFinished(() => folder.remove());
  const [first, second] = ['first', 'second'].map((name) => join(folder.path, name)) as [
    string,
    string,
  ];
  for (const directory of [first, second]) {
    await mkdir(directory);
    await writeFile(join(directory, 'helm'), '');
  }
  await chmod(join(second, 'helm'), 0o755);
  const path = `${first}::${second}`;

  expect(findProgram('helm', path)).toBe(join(second, 'helm'));
  expect(findProgram('kustomize', path)).toBe('kustomize');
  expect(findProgram('helm', undefined)).toBe('helm');
  expect(findProgram('./helm', path)).toBe('./helm');
});
