import type { KubeObject } from '@sluice/shared/api';
import { beforeEach, describe, expect, it } from 'vitest';
import { isOlder, WrittenObjects } from '../../../src/runtime/status/written-objects.ts';

function at(resourceVersion: string, uid = 'u'): KubeObject {
  return { apiVersion: 'v1', kind: 'X', metadata: { name: 'a', uid, resourceVersion } };
}

let written: WrittenObjects<KubeObject>;

beforeEach(() => {
  written = new WrittenObjects();
});

describe('WrittenObjects', () => {
  it('returns our write while the informer is behind', () => {
    written.record('a', at('10'));
    expect(written.current('a', at('9'))).toEqual(at('10'));
  });

  it('returns what the informer has once it caught up, and stays with it', () => {
    written.record('a', at('10'));
    expect(written.current('a', at('11'))).toEqual(at('11'));
    expect(written.current('a', at('9'))).toEqual(at('9'));
  });

  it('keeps the newer of two writes, however they arrive', () => {
    written.record('a', at('10'));
    written.record('a', at('8'));
    expect(written.current('a', at('7'))).toEqual(at('10'));
  });

  it('does not revive what the informer does not have', () => {
    written.record('a', at('10'));
    expect(written.current('a', undefined)).toBeUndefined();
  });

  it('does not take a new object of the same name for the old one', () => {
    written.record('a', at('10', 'old'));
    expect(written.current('a', at('9', 'new'))).toEqual(at('9', 'new'));
  });

  it('forgets', () => {
    written.record('a', at('10'));
    written.forget('a');
    expect(written.current('a', at('9'))).toEqual(at('9'));
  });
});

it.each([
  { a: '9', b: '10', older: true },
  { a: '10', b: '9', older: false },
  { a: '10', b: '10', older: false },
  { a: '18446744073709551614', b: '18446744073709551615', older: true },
])('resource version $a is older than $b: $older', ({ a, b, older }) => {
  expect(isOlder(at(a), at(b))).toBe(older);
});
