import { describe, expect, it } from 'vitest';
import { readByteRange } from '../../src/artifact/byte-range.ts';

describe('a range of ten bytes', () => {
  it.each([
    ['bytes=0-3', { start: 0, end: 3 }],
    ['bytes=9-9', { start: 9, end: 9 }],
    ['bytes=4-', { start: 4, end: 9 }],
    ['bytes=4-100', { start: 4, end: 9 }],
    ['bytes=-3', { start: 7, end: 9 }],
    ['bytes=-100', { start: 0, end: 9 }],
    ['bytes=10-', 'outside'],
    ['bytes=10-20', 'outside'],
    ['bytes=-0', 'outside'],
    [undefined, undefined],
    ['', undefined],
    ['bytes=-', undefined],
    ['bytes=5-4', undefined],
    ['bytes=0-1,3-4', undefined],
    ['bytes=a-b', undefined],
    ['bytes=1e1-', undefined],
    ['items=0-3', undefined],
    [`bytes=${'9'.repeat(400)}-`, undefined],
  ])('%j is %j', (header, wanted) => {
    expect(readByteRange(header, 10)).toEqual(wanted);
  });

  it('of an empty file is outside of it', () => {
    expect(readByteRange('bytes=0-', 0)).toBe('outside');
    expect(readByteRange('bytes=-5', 0)).toBe('outside');
  });
});
