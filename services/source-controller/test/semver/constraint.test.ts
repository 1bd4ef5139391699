import { describe, expect, it } from 'vitest';
import { ConstraintError, compileConstraint } from '../../src/semver/constraint.ts';
import { compileFilter, filterTags } from '../../src/semver/filter.ts';
import { selectVersion } from '../../src/semver/select-version.ts';
import { parseLooseVersion, parseVersion, type Version } from '../../src/semver/version.ts';
import conformance from './conformance.json' with { type: 'json' };

describe('compileConstraint means what Masterminds/semver means', () => {
  const versions = conformance.versions.flatMap(([text, , isTag]) => (isTag ? [`${text}`] : []));

  it.each(conformance.ranges as [string, string | null][])('%j', (range, inside) => {
    if (inside === null) {
      expect(() => compileConstraint(range)).toThrow(ConstraintError);
      return;
    }
    const fits = compileConstraint(range);
    const found = versions.filter((text) => fits(parseVersion(text) as Version));
    expect(found.join(' ')).toBe(inside);
  });
});

describe('selectVersion', () => {
  it('finds the highest version, as it was written', async () => {
    expect(await selectVersion(['v1.2.0', '1.10.0', 'v1.9.0', 'main', '1.11'], '1.x')).toBe(
      '1.10.0',
    );
  });

  it('leaves out what is no complete version', async () => {
    expect(await selectVersion(['latest', '1', '1.2', '1.2.3.4', ''], '*')).toBeUndefined();
  });

  it('takes the date of a calendar version for a number', async () => {
    const tags = ['v2025.02.03', 'v2025.10.01', 'v2025.09.30', 'v2024.12.31'];
    expect(await selectVersion(tags, '>=2025.0.0')).toBe('v2025.10.01');
    expect(await selectVersion(['0.0.20251001123456788', '0.0.20251001123456789'], '*')).toBe(
      '0.0.20251001123456789',
    );
  });

  it('does not depend on the order of equal versions', async () => {
    const texts = ['1.0.0+b', '1.0.0+c', '1.0.0+a'];
    expect(await selectVersion(texts, '1.x')).toBe('1.0.0+c');
    expect(await selectVersion(texts.reverse(), '1.x')).toBe('1.0.0+c');
  });
});

describe('what a range may cost', () => {
  it('refuses long ranges before they are read', () => {
    const range = `>=1.0.0${' || 1.x - 2.x'.repeat(5000)}`;
    expect(() => compileConstraint(range)).toThrow(/has 65007 characters, more than 512/);
    expect(() => compileConstraint(`1${' '.repeat(600)}`)).toThrow(/more than 512/);
  });

  it('refuses many comparisons', () => {
    expect(() => compileConstraint('1 '.repeat(70))).toThrow(/more than 64 comparisons/);
  });

  it('takes no long text for a version', () => {
    expect(parseVersion(`1.0.0-${'a'.repeat(100_000)}`)).toBeUndefined();
    expect(parseLooseVersion(`1.0.0-${'a'.repeat(100_000)}`)).toBeUndefined();
  });
});

describe('compileFilter', () => {
  it('finds what matches', () => {
    expect(compileFilter('^v1\\.').matcher('v1.2.3').find()).toBe(true);
  });

  it('ends a filter that costs too much over all tags', async () => {
    const tags = Array.from({ length: 2000 }, (_, i) => `${i}`.padStart(128, 'x'));
    const filter = '(?:x{30}){20}';
    await expect(filterTags(tags, filter)).rejects.toThrow(
      /2000 tags .* more than 100000000 steps/,
    );
    expect(await filterTags(['v1', 'w1'], '^v')).toEqual(['v1']);
  });

  it.each([
    { name: 'long', text: 'a'.repeat(600), message: /600 characters, more than 512/ },
    { name: 'repeating', text: '(?:x{30}){30}y{200}', message: /instructions, more than 1000/ },
  ])('refuses $name expressions', ({ text, message }) => {
    expect(() => compileFilter(text)).toThrow(message);
  });
});
