import { describe, expect, it } from 'vitest';
import {
  compareVersions,
  formatVersion,
  parseLooseVersion,
  parseVersion,
  type Version,
  withBuildMetadata,
} from '../../src/semver/version.ts';
import conformance from './conformance.json' with { type: 'json' };

describe('versions are read as Masterminds/semver and Flux read them', () => {
  it.each(conformance.versions as [string, string | null, boolean][])('%j', (text, form, isTag) => {
    const version = parseLooseVersion(text);
    expect(version && formatVersion(version)).toBe(form?.replace(/\+.*/, '') ?? undefined);
    expect(parseVersion(text) !== undefined).toBe(isTag);
  });

  it('orders them', () => {
    const groups = conformance.order.map((texts) => texts.map((t) => parseVersion(t) as Version));
    for (const [index, group] of groups.entries()) {
      for (const version of group) {
        for (const [other, equals] of groups.entries()) {
          const order = equals.map((equal) => Math.sign(compareVersions(version, equal)));
          expect(order).toEqual(equals.map(() => Math.sign(index - other)));
        }
      }
    }
  });
});

describe('withBuildMetadata', () => {
  it.each([
    ['1.2.3', '1.2.3+abc.4'],
    ['v1.2', '1.2.0+abc.4'],
    ['v2025.02.03', '2025.2.3+abc.4'],
    ['1.2.3-rc.1+old', '1.2.3-rc.1+abc.4'],
    ['latest', undefined],
  ])('makes of %s %s', (text, expected) => {
    expect(withBuildMetadata(text, 'abc.4')).toBe(expected);
  });
});
