import fc from 'fast-check';
import { expect, test } from 'vitest';
import { trimMatch } from '../../src/builder/glob.ts';

/** Whether a pattern of letters, `?` and `*` matches a whole text. */
function matches(pattern: string, text: string): boolean {
  const source = pattern.replaceAll('*', '[^]*').replaceAll('?', '[^]');
  return new RegExp(`^${source}$`).test(text);
}

test('what is cut off is the shortest or longest part that the pattern matches', () => {
  const letter = fc.constantFrom('a', 'b');
  const value = fc.string({ unit: letter, maxLength: 12 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '?', '*'), maxLength: 6 });
  fc.assert(
    fc.property(value, pattern, fc.boolean(), fc.boolean(), (text, glob, end, longest) => {
      const lengths = Array.from({ length: text.length }, (_, i) => i + 1).filter((n) =>
        matches(glob, end ? text.slice(text.length - n) : text.slice(0, n)),
      );
      const length = (longest ? lengths.at(-1) : lengths[0]) ?? 0;
      const expected = end ? text.slice(0, text.length - length) : text.slice(length);
      expect(trimMatch(text, glob, { end, longest }, () => {})).toBe(expected);
    }),
    { numRuns: 2000 },
  );
});
