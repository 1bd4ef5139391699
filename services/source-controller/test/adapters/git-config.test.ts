import { execFileSync } from 'node:child_process';
import { gitEnvironment } from '@sluice/testing';
import { describe, expect, it } from 'vitest';
import { parseGitConfig } from '../../src/adapters/git/git-config.ts';

/** What git makes of a text; undefined when it refuses it. */
function byGit(text: string): string[] | undefined {
  const args = ['config', '--file', '-', '--null', '--list'];
  try {
    const stdio: ['pipe', 'pipe', 'ignore'] = ['pipe', 'pipe', 'ignore'];
    const output = execFileSync('git', args, { input: text, env: gitEnvironment(), stdio });
    return output.toString('utf8').split('\0').slice(0, -1);
  } catch {
    return undefined;
  }
}

/** The same in the form in which git prints it. */
function byUs(text: string): string[] | undefined {
  try {
    return parseGitConfig(text).map(({ section, subsection, name, value }) => {
      const places = [section, subsection].filter((part) => part !== undefined && part !== '');
      const key = [...places, name].join('.');
      return value === undefined ? key : `${key}\n${value}`;
    });
  } catch {
    return undefined;
  }
}

const texts = [
  '',
  '# comment\n; another\n',
  '[submodule "a"]\n\tpath = a\n\turl = https://example.com/a.git\n',
  '[submodule "a"] path = a\n',
  '[SubModule "A b"]\nPath=A\n',
  '[submodule "a\\"b\\\\c"]\npath = x\n',
  '[submodule "a\\nb"]\npath = x\n',
  '[submodule  "a"]\npath = x\n',
  '[submodule "a" ]\npath = x\n',
  '[submodule.Old]\npath = x\n',
  '[a]\nflag\n',
  '[a]\nflag = \n',
  '[a]\nkey = "quoted # text" rest ; comment\n',
  '[a]\nkey = in the   middle of  \n',
  '[a]\nkey = "  kept  "\n',
  '[a]\nkey = one \\\n  two\n',
  '[a]\nkey = tab\\there\\nand "\\""\n',
  '[a]\nkey = a#b\n',
  '[a]\nkey = last',
  '[a]\r\nkey = dos\r\n',
  '\ufeff[a]\nkey = mark\n',
  '[a]\nkey = 1\nkey = 2\n',
  '[a]\nkey-2 = x\n',
  '[a]\nkey=""\n',
  '[a]\nkey = x "" y\n',
  '[a]\nkey = "unended\n',
  '[a]\nkey = bad\\q\n',
  '[a]\nkey ; comment\n',
  '[a]\n2key = x\n',
  '[a]\nkey_2 = x\n',
  '[a\nkey = x\n',
  '[a "b]\nkey = x\n',
  '[a "b" c]\nkey = x\n',
  'key = x\n',
  '[a] [b] key = x\n',
  '[a]\nkey = x\\',
  '[a]\nkey: x\n',
];

describe('a file in the syntax of git', () => {
  it.each(texts)('is read as git reads it: %j', (text) => {
    expect(byUs(text)).toEqual(byGit(text));
  });

  it('is refused by the line that is wrong', () => {
    expect(() => parseGitConfig('[a]\nkey = x\nkey = bad\\q\n')).toThrow(
      "is not in git's syntax in line 3",
    );
  });

  it('is read in time that grows with its length', () => {
    const long = `[submodule "${'\\"'.repeat(100_000)}"]\npath = ${'a '.repeat(200_000)}\n`;
    expect(parseGitConfig(long)).toHaveLength(1);
  });
});
