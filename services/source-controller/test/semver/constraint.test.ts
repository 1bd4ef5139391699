import { describe, expect, it } from 'vitest';
import { compileConstraint } from '../../src/semver/constraint.ts';
import { parseVersion, selectVersion } from '../../src/semver/select-version.ts';
import conformance from './conformance.json' with { type: 'json' };

describe('compileConstraint means what Masterminds/semver means', () => {
  it.each(conformance.cases)('$range', ({ range, versions }) => {
    if (versions === null) {
      expect(() => compileConstraint(range)).toThrow(range);
      return;
    }
    const fits = compileConstraint(range);
    const found = conformance.versions.filter((text) => {
      const version = parseVersion(text);
      return version !== undefined && fits(version);
    });
    expect(found).toEqual(versions);
  });
});

describe('selectVersion', () => {
  it('finds the highest version, as it was written', () => {
    expect(selectVersion(['v1.2.0', '1.10.0', 'v1.9.0', 'main', '1.11'], '1.x')).toBe('1.10.0');
  });

  it('leaves out what is no complete version', () => {
    expect(selectVersion(['latest', '1', '1.2', '01.2.3', '1.2.3.4', ''], '*')).toBeUndefined();
  });

  it('does not depend on the order of equal versions', () => {
    const texts = ['1.0.0+b', '1.0.0+c', '1.0.0+a'];
    expect(selectVersion(texts, '1.x')).toBe('1.0.0+c');
    expect(selectVersion(texts.reverse(), '1.x')).toBe('1.0.0+c');
  });
});
