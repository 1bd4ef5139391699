import { describe, expect, test } from 'vitest';
import { bearerToken, expiryOf } from '../../../src/runtime/authenticate/bearer-token.ts';

describe('the token of a header', () => {
  test.each([
    ['Bearer abc.d-e_f.09Z', 'abc.d-e_f.09Z'],
    ['bearer  a.b.c', 'a.b.c'],
    [undefined, undefined],
    ['', undefined],
    ['Bearer ', undefined],
    ['Basic YTpi', undefined],
    ['a.b.c', undefined],
    ['Bearer opaque', undefined],
    ['Bearer a..c', undefined],
    ['Bearer a.b.c.d', undefined],
    ['Bearer a.b c', undefined],
    ['Bearer a.b.c, Bearer d.e.f', undefined],
    ['Bearer a.b.ç', undefined],
  ])('%j is %j', (header, token) => {
    expect(bearerToken(header)).toBe(token);
  });
});

describe('the expiry of a token', () => {
  const tokenOf = (payload: string) => `e30.${Buffer.from(payload).toString('base64url')}.c2ln`;

  test.each([
    [tokenOf('{"exp":1700000000}'), 1_700_000_000_000],
    [tokenOf('{"exp":"soon"}'), undefined],
    [tokenOf('{}'), undefined],
    [tokenOf('null'), undefined],
    [tokenOf('no json'), undefined],
    ['opaque', undefined],
  ])('is read, if it says one', (token, expiry) => {
    expect(expiryOf(token)).toBe(expiry);
  });
});
