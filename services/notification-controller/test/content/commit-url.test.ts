import { describe, expect, test } from 'vitest';
import { commitUrl } from '../../src/content/commit-url.ts';

const sha = '0123456789abcdef0123456789abcdef01234567';

describe('the page of a commit', () => {
  test.each([
    ['https://github.com/acme/shop', 'https://github.com/acme/shop/commit/SHA'],
    ['https://github.com/acme/shop.git', 'https://github.com/acme/shop/commit/SHA'],
    ['ssh://github.com/acme/shop.git', 'https://github.com/acme/shop/commit/SHA'],
    ['ssh://ssh.github.com:443/acme/shop', 'https://github.com/acme/shop/commit/SHA'],
    ['https://github.example.com/acme/shop', 'https://github.example.com/acme/shop/commit/SHA'],
    ['https://gitlab.com/a/b/c/shop.git', 'https://gitlab.com/a/b/c/shop/-/commit/SHA'],
    ['ssh://gitlab.example.com:2222/a/shop', 'https://gitlab.example.com/a/shop/-/commit/SHA'],
    ['http://gitea.local:3000/acme/shop/', 'http://gitea.local:3000/acme/shop/commit/SHA'],
    ['https://codeberg.org/acme/shop', 'https://codeberg.org/acme/shop/commit/SHA'],
    ['https://bitbucket.org/acme/shop', 'https://bitbucket.org/acme/shop/commits/SHA'],
    [
      'https://git.example.com/bb/scm/PROJ/shop.git',
      'https://git.example.com/bb/projects/PROJ/repos/shop/commits/SHA',
    ],
    [
      'https://bitbucket.example.com/scm/~ada/shop.git',
      'https://bitbucket.example.com/users/ada/repos/shop/commits/SHA',
    ],
    [
      'https://dev.azure.com/org/project/_git/shop',
      'https://dev.azure.com/org/project/_git/shop/commit/SHA',
    ],
    [
      'ssh://ssh.dev.azure.com/v3/org/project/shop',
      'https://dev.azure.com/org/project/_git/shop/commit/SHA',
    ],
    [
      'https://org.visualstudio.com/project/_git/shop',
      'https://org.visualstudio.com/project/_git/shop/commit/SHA',
    ],
    ['https://git.example.com/acme/shop', undefined],
    ['https://notgithub.example.com/acme/shop', undefined],
    ['https://github.com/acme', undefined],
    ['https://dev.azure.com/org/project', undefined],
    ['oci://github.com/acme/shop', undefined],
    ['', undefined],
  ])('of %s', (repository, page) => {
    expect(commitUrl({ repository, sha })).toBe(page?.replace('SHA', sha));
  });
});
