import { describe, expect, it } from 'vitest';
import { parseSubmodules } from '../../src/adapters/git/submodules.ts';

const entry = (name: string, lines: string) => `[submodule "${name}"]\n${lines}\n`;

describe('.gitmodules', () => {
  it('says by path where a submodule comes from', () => {
    const text = [
      entry('one', 'path = lib/one\nurl = ../one.git\nbranch = stable'),
      entry('two', 'path = two\nurl = https://example.com/two.git\nupdate = none\nbranch = .'),
      entry('no-path', 'url = ../x.git'),
      entry('no-url', 'path = x'),
      '[other "three"]\npath = three\nurl = x\n',
    ].join('');
    expect([...parseSubmodules(text)]).toEqual([
      ['lib/one', { url: '../one.git', isWanted: true, branch: 'stable' }],
      ['two', { url: 'https://example.com/two.git', isWanted: false }],
    ]);
  });

  it('says last what counts', () => {
    const text =
      entry('a', 'path = x\nurl = 1') + entry('b', 'path = x\nurl = 2') + entry('a', 'url = 3');
    expect([...parseSubmodules(text)]).toEqual([['x', { url: '2', isWanted: true }]]);
  });

  it.each(['..', '../x', 'a/../b', 'a\\\\..\\\\b', ''])('has no submodule named "%s"', (name) => {
    expect(() => parseSubmodules(entry(name, 'path = x\nurl = y'))).toThrow(/which git refuses/);
  });

  it.each([
    {
      name: 'a command to update',
      lines: 'update = !touch /tmp/x',
      message: /update of submodule/,
    },
    { name: 'a branch that is none', lines: 'branch = -x', message: /must not start with a dash/ },
    {
      name: 'a branch out of its folder',
      lines: 'branch = ../../x',
      message: /must not start or/,
    },
    { name: 'a quote without end', lines: 'branch = "x', message: /git's syntax in line 4/ },
  ])('has not $name', ({ lines, message }) => {
    expect(() => parseSubmodules(entry('a', `path = x\nurl = y\n${lines}`))).toThrow(message);
  });
});
