import { describe, expect, it } from 'vitest';
import { parseLooseVersion, withBuildMetadata } from '../../src/semver/loose-version.ts';

describe('parseLooseVersion', () => {
  it.each([
    ['1.2.3', '1.2.3'],
    ['v1.2.3', '1.2.3'],
    ['1.2', '1.2.0'],
    ['1', '1.0.0'],
    ['1.2-rc.1', '1.2.0-rc.1'],
    ['1.2.3+b.1', '1.2.3'],
    ['', undefined],
    ['latest', undefined],
    ['1.2.3.4', undefined],
    ['1.2.3-', undefined],
    ['1.2.3/..', undefined],
  ])('reads %s as %s', (text, expected) => {
    expect(parseLooseVersion(text)?.version).toBe(expected);
  });
});

describe('withBuildMetadata', () => {
  it.each([
    ['1.2.3', '1.2.3+abc.4'],
    ['v1.2', '1.2.0+abc.4'],
    ['1.2.3-rc.1+old', '1.2.3-rc.1+abc.4'],
    ['latest', undefined],
  ])('makes of %s %s', (text, expected) => {
    expect(withBuildMetadata(text, 'abc.4')).toBe(expected);
  });
});
