import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { toolPath } from '@sluice/testing';
import { expect, test } from 'vitest';
import { readGoBuildInfo } from '../../images/go-build-info.ts';

/** What Go itself says: path and version of each module, the main one first. */
function modulesByGo(path: string): string[] {
  const lines = execFileSync('go', ['version', '-m', path], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => {
    const [, kind, module, version] = line.split('\t');
    return kind === 'mod' || kind === 'dep' ? [`${module} ${version}`] : [];
  });
}

// helm holds the bytes by which the section is found also where it looks for them in others.
test.each(['kustomize', 'kustomize-builder', 'helm', 'helm-renderer'] as const)(
  'the modules of %s are those that Go reports',
  (tool) => {
    const path = toolPath(tool);
    const { goVersion, main, modules } = readGoBuildInfo(readFileSync(path));
    expect([main, ...modules].map((each) => `${each.path} ${each.version}`)).toEqual(
      modulesByGo(path),
    );
    expect(goVersion).toMatch(/^go1\.\d+/);
  },
);

test('a file that is no Go program is refused', () => {
  expect(() => readGoBuildInfo(readFileSync(process.execPath))).toThrow('not a Go program');
});
