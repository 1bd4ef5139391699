import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gitEnvironment } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addressOf,
  isSameServer,
  submoduleAddress,
} from '../../src/adapters/git/repository-address.ts';

const parents = [
  'https://example.com/team/app.git',
  'https://example.com/team/app.git/',
  'https://user:secret@example.com:8443/a/b/app',
  'ssh://git@example.com/team/app.git',
  'ssh://git@example.com:2222/~/app.git',
  'git@example.com:team/app.git',
  'git@example.com:app.git',
];
const relatives = [
  '../lib.git',
  '../lib.git/',
  './lib.git',
  './../lib.git',
  '.././lib.git',
  '../../other/lib.git',
  '../lib with a space.git',
];
const absolutes = [
  'https://example.org/lib.git',
  'ssh://git@example.org/lib',
  'git@example.org:lib',
];

describe('the address of a submodule', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'submodule-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  /** What git makes of addresses in `.gitmodules`, in their order. */
  async function byGit(parent: string, written: string[]): Promise<string[]> {
    const repository = await mkdtemp(join(dir, 'r-'));
    const git = (...args: string[]) =>
      execFileSync('git', ['-C', repository, ...args], { env: gitEnvironment() }).toString();
    git('init', '--quiet');
    git('remote', 'add', 'origin', parent);
    const entries = written.map(
      (url, at) => `[submodule "m${at}"]\n\tpath = m${at}\n\turl = "${url}"\n`,
    );
    await writeFile(join(repository, '.gitmodules'), entries.join(''));
    for (const at of written.keys())
      git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},m${at}`);
    git('submodule', 'init');
    const urls: string[] = [];
    for (const at of written.keys())
      urls.push(git('config', `submodule.m${at}.url`).replace(/\n$/, ''));
    return urls;
  }

  it.each(parents)('is what git says of it in %s', async (parent) => {
    // What leads out of the server is refused.
    const isShort = parent.endsWith(':app.git') || parent.includes('~');
    const written = [
      ...relatives.filter((url) => !isShort || !url.includes('../../')),
      ...absolutes,
    ];
    expect(written.map((url) => submoduleAddress(parent, url))).toEqual(
      await byGit(parent, written),
    );
  });

  it.each([
    ['https://example.com/app.git', '../../evil.example/x.git'],
    ['https://example.com/team/app.git', '../../../evil.example/x.git'],
    ['https://example.com/app.git', '../../../../../../x.git'],
    ['git@example.com:app.git', '../../evil:x.git'],
    ['ssh://git@example.com/app.git', '../../:x.git'],
  ])('does not lead out of the server of %s: %s', (parent, written) => {
    expect(() => submoduleAddress(parent, written)).toThrow(/leads out of the server|must begin/);
  });
});

describe('an address', () => {
  it.each([
    { text: 'https://example.com/a.git', href: 'https://example.com/a.git' },
    { text: 'HTTP://Example.com/a', href: 'http://example.com/a' },
    { text: 'ssh://git@example.com:2222/a b', href: 'ssh://git@example.com:2222/a%20b' },
    { text: 'git@example.com:a/b.git', href: 'ssh://git@example.com/a/b.git', path: 'a/b.git' },
    { text: 'example.com:/srv/a.git', href: 'ssh://example.com/srv/a.git' },
    { text: "git@example.com:it's", href: "ssh://git@example.com/it's", path: "it's" },
    { text: '[::1]:a.git', href: 'ssh://[::1]/a.git', path: 'a.git' },
  ])('may be written as $text', ({ text, href, path }) => {
    const found = addressOf(text);
    expect(found.url.href).toBe(href);
    expect(found.path).toBe(path);
  });

  it.each([
    'file:///etc/passwd',
    '/etc/passwd',
    'a/b.git',
    'git://example.com/a.git',
    'ext::sh -c touch% /tmp/x',
    'git+ssh://example.com/a',
    'ssh://-oProxyCommand=x/a',
    'https://',
    'https:///a',
    'https://\\a',
    'git@example.com:-x',
    '--upload-pack=touch /tmp/x',
    '-u:x',
    'git@:a',
    '@example.com:a',
    '',
    '..',
    'https://example.com/a\nb',
    'git@example.com:a\nb',
    'ssh://git@example.com/%00',
    'ssh://git@example.com/%zz',
    'ssh://git:password@example.com/a',
  ])('is not %j', (text) => {
    expect(() => addressOf(text)).toThrow(/^(?:must |holds )/);
  });

  it.each([
    ['https://a.example/x', 'https://a.example:443/y', true],
    ['https://a.example/x', 'https://A.example/y', true],
    ['ssh://a.example/x', 'ssh://git@a.example:22/y', true],
    ['https://a.example/x', 'http://a.example/x', false],
    ['https://a.example/x', 'https://a.example:8443/x', false],
    ['https://a.example/x', 'https://b.a.example/x', false],
    ['ssh://a.example/x', 'ssh://a.example:2222/x', false],
  ])('%s and %s are of one server: %s', (one, other, isSame) => {
    expect(isSameServer(new URL(one), new URL(other))).toBe(isSame);
  });
});
