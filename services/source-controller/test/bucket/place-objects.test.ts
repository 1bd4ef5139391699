import { describe, expect, test } from 'vitest';
import { placeObjects } from '../../src/bucket/place-objects.ts';

const objectsOf = (...keys: string[]) => keys.map((key) => ({ key, etag: 'e', size: 1 }));
const pathsOf = (...keys: string[]) => placeObjects(objectsOf(...keys)).map(({ path }) => path);

describe('a key', () => {
  test.each([
    { name: 'of folders', key: 'a/b/c.yaml', path: 'a/b/c.yaml' },
    { name: 'with a slash in front', key: '/a/b', path: 'a/b' },
    { name: 'with repeated slashes', key: '///a//b', path: 'a/b' },
    { name: 'with dots in a name', key: 'a/..b/...', path: 'a/..b/...' },
    {
      name: 'with what shells, addresses and archives take for something',
      key: '-rf ~/%2e%2e/\'"$(x);*?#&+ü',
      path: '-rf ~/%2e%2e/\'"$(x);*?#&+ü',
    },
    { name: 'as long as a name may be', key: 'n'.repeat(255), path: 'n'.repeat(255) },
  ])('$name has its path', ({ key, path }) => {
    expect(pathsOf(key)).toEqual([path]);
  });

  test.each([
    { name: 'above the root', key: '../etc/passwd' },
    { name: 'through a folder above', key: 'a/../../b' },
    { name: 'above the root, with a slash in front', key: '/../a' },
    { name: 'of the folder itself', key: 'a/./b' },
    { name: 'with a backslash', key: 'a\\..\\b' },
    { name: 'with NUL', key: 'a\0b' },
    { name: 'with a line break', key: 'a\nb' },
    { name: 'with an escape sequence', key: 'a\u001b[2Jb' },
    { name: 'with a control character of Latin-1', key: 'a\u0085b' },
    { name: 'of slashes alone', key: '//' },
    { name: 'with a part that is too long', key: `a/${'n'.repeat(256)}` },
    { name: 'with a part that is too long in bytes', key: 'ü'.repeat(128) },
    { name: 'that is too long', key: Array(10).fill('n'.repeat(120)).join('/') },
  ])('$name is refused by its name', ({ key }) => {
    const shown = JSON.stringify(key).slice(1, 20).replace(/"$/, '');
    const place = () => pathsOf('good', key);
    expect(place).toThrow(`the key "${shown}`);
    expect(place).toThrow(/rename it, or leave it out with spec\.ignore$/);
    expect(place).toThrow(expect.objectContaining({ reason: 'BucketOperationFailed' }));
  });

  test.each([
    { keys: ['a', 'a/b'], says: 'the key "a" is a file, and a folder of other keys' },
    { keys: ['a/b/c', 'a/b'], says: 'the key "a/b" is a file, and a folder of other keys' },
    { keys: ['a/b', '/a//b'], says: 'the key "/a//b" has the same path as the key "a/b"' },
  ])('whose path is taken is refused: $keys', ({ keys, says }) => {
    expect(() => pathsOf(...keys)).toThrow(says);
  });

  test('that differs from another only in case has a file of its own', () => {
    expect(pathsOf('Readme', 'README', 'readme/x')).toEqual(['Readme', 'README', 'readme/x']);
  });
});
