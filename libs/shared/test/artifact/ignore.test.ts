import { createIgnore, withoutIgnored } from '@sluice/shared/artifact';
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

describe('what ignore patterns may cost', () => {
  const files = Array.from({ length: 3000 }, (_, i) => ({
    path: `apps/team-${i % 50}/manifest-${i}.yaml`,
    executable: false,
    read: () => Buffer.from(''),
  }));
  const sourceignore = (content: string) => ({
    path: 'apps/.sourceignore',
    executable: false,
    read: () => Buffer.from(content),
  });

  it('refuses more patterns than anybody needs, whichever file holds them', async () => {
    const half = Array.from({ length: 4000 }, (_, i) => `*a*b*${i}\n`).join('');
    const both = withoutIgnored([sourceignore(half), ...files], half);
    await expect(both).rejects.toThrow(/hold 8000 patterns, more than 5000/);
    await expect(both).rejects.toMatchObject({ name: 'BudgetError' });
  });

  it('says where a pattern stands that is too long', async () => {
    const long = `a\n# comment\n${'x'.repeat(2000)}\n`;
    await expect(withoutIgnored([sourceignore(long)], undefined)).rejects.toThrow(
      'apps/.sourceignore:3: the pattern has 2000 characters, more than 1024',
    );
  });

  it('ends when matching takes too many steps', async () => {
    const patterns = Array.from({ length: 4900 }, (_, i) => `*m*a*n*i*f*e*s*t*${i}x*`).join('\n');
    await expect(withoutIgnored(files, patterns)).rejects.toThrow(
      /ignore patterns with the files takes more than 100000000 steps/,
    );
  });

  it('refuses files of patterns that are large', async () => {
    const large = sourceignore('#'.repeat(1024 * 1024 + 1));
    await expect(withoutIgnored([large], undefined)).rejects.toThrow(/more than 1048576 bytes/);
  });

  it('lets patterns in common numbers pass', async () => {
    const patterns = Array.from({ length: 50 }, (_, i) => `manifest-${i}.yaml`).join('\n');
    expect(await withoutIgnored(files, patterns)).toHaveLength(2950);
  });
});
