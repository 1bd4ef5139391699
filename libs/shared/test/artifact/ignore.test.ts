import { createIgnore } from '@sluice/shared/artifact';
import { describe, expect, it } from 'vitest';
import conformance from './ignore-conformance.json' with { type: 'json' };

interface Case {
  patterns: string[];
  files: string[];
  directories?: string[];
}

/** The built-in patterns do not apply to the table, which is about the matcher alone. */
const builtIn = /(^|\/)\.git(\/|$)/;

describe('createIgnore matches as Flux does', () => {
  it.each(conformance.cases as Case[])('$patterns', ({ patterns, files, directories }) => {
    const isIgnored = createIgnore({ sourceignoreFiles: [], specIgnore: patterns.join('\n') });
    const hasPattern = patterns.some((pattern) => !pattern.startsWith('#'));
    const paths = conformance.paths.filter((path) => !builtIn.test(path) && hasPattern);
    const expected = (list: string[]) => list.filter((path) => paths.includes(path));

    expect(paths.filter((path) => isIgnored(path, false))).toEqual(expected(files));
    expect(paths.filter((path) => isIgnored(path, true))).toEqual(expected(directories ?? files));
  });
});

describe('createIgnore', () => {
  it.each([
    '.git/config',
    'sub/.gitignore',
    '.gitmodules',
    'a/logo.png',
    'x.tar.gz',
    '.github/workflows/x.yaml',
    '.sops.yaml',
    'a/b/.flux.yaml',
    'a/.goreleaser.yml',
    'cloudbuild.yaml',
  ])('leaves out %s when nothing is said', (path) => {
    expect(createIgnore({ sourceignoreFiles: [] })(path, false)).toBe(true);
    const empty = createIgnore({ sourceignoreFiles: [], specIgnore: '# only a comment\n\n' });
    expect(empty(path, false)).toBe(true);
  });

  it('drops the defaults, but not the version control files, when a pattern is given', () => {
    for (const o of [
      { sourceignoreFiles: [], specIgnore: '*.md' },
      { sourceignoreFiles: [{ dir: '', content: '*.md' }] },
    ]) {
      const isIgnored = createIgnore(o);
      expect(isIgnored('a/logo.png', false)).toBe(false);
      expect(isIgnored('.git/config', false)).toBe(true);
      expect(isIgnored('README.md', false)).toBe(true);
    }
  });

  it('applies a .sourceignore file below its directory only', () => {
    const content = '/x.yaml\n*.txt\r\n';
    const isIgnored = createIgnore({ sourceignoreFiles: [{ dir: 'a/b', content }] });
    expect(isIgnored('a/b/x.yaml', false)).toBe(true);
    expect(isIgnored('a/b/c/x.yaml', false)).toBe(false);
    expect(isIgnored('a/b/c/y.txt', false)).toBe(true);
    expect(isIgnored('x.yaml', false)).toBe(false);
    expect(isIgnored('a/y.txt', false)).toBe(false);
  });

  it('lets deeper files win over those above, and spec.ignore over all', () => {
    const sourceignoreFiles = [
      { dir: 'a', content: '!*.md' },
      { dir: '', content: '*.md' },
    ];
    expect(createIgnore({ sourceignoreFiles })('a/x.md', false)).toBe(false);
    expect(createIgnore({ sourceignoreFiles })('x.md', false)).toBe(true);
    const specIgnore = 'a/*.md';
    expect(createIgnore({ sourceignoreFiles, specIgnore })('a/x.md', false)).toBe(true);
  });

  it('answers at once for patterns made to be slow', () => {
    const specIgnore = `${'*a'.repeat(60)}b`;
    const isIgnored = createIgnore({ sourceignoreFiles: [], specIgnore });
    expect(isIgnored('a'.repeat(250), false)).toBe(false);
  });
});
