import { describe, expect, it } from 'vitest';
import { accessFor } from '../../src/helm-repository/access.ts';
import {
  chartAddress,
  comparableAddress,
  indexAddress,
  parseRepositoryAddress,
} from '../../src/helm-repository/address.ts';

const repository = parseRepositoryAddress('https://example.com/charts?token=x', 'spec.url');

describe('the addresses of a repository', () => {
  it('are below its own', () => {
    expect(indexAddress(repository).href).toBe('https://example.com/charts/index.yaml?token=x');
  });

  it.each([
    ['app.tgz', 'https://example.com/charts/app.tgz?token=x'],
    ['../app.tgz', 'https://example.com/app.tgz?token=x'],
    ['/app.tgz', 'https://example.com/app.tgz?token=x'],
    ['app.tgz?a=1', 'https://example.com/charts/app.tgz?a=1'],
    ['https://example.com/b/app.tgz', 'https://example.com/b/app.tgz'],
    ['//other.example/app.tgz', 'https://other.example/app.tgz'],
    ['http://other.example/app.tgz', 'http://other.example/app.tgz'],
    ['file:///etc/passwd', undefined],
    ['oci://example.com/app', undefined],
  ])('lead from %s to %s', (reference, expected) => {
    expect(chartAddress(repository, reference)?.href).toBe(expected);
  });

  it.each([
    ['https://Example.com:443/a', 'https://example.com/a/'],
    ['oci://example.com/a', 'oci://example.com/a/'],
  ])('are compared in one form: %s, %s', (one, other) => {
    expect(comparableAddress(one)).toBe(comparableAddress(other));
  });

  it.each(['oci://example.com/a', 'ftp://example.com', 'example.com', 'https://'])(
    'cannot be %s',
    (text) => {
      expect(() => parseRepositoryAddress(text, 'spec.url')).toThrow(/spec\.url/);
    },
  );
});

describe('accessFor', () => {
  const endpoint = { tls: { ca: 'ca', cert: 'cert', key: 'key' } };
  const own = { url: repository, authorization: 'secret', endpoint, passCredentials: false };
  const all = { ...own, passCredentials: true };
  const nothing = { endpoint: { tls: { ca: 'ca' } } };
  const everything = { authorization: 'secret', endpoint };

  it.each([
    { name: 'the own host', access: own, url: 'https://example.com/x', expected: everything },
    { name: 'another host', access: own, url: 'https://evil.example/x', expected: nothing },
    { name: 'another port', access: own, url: 'https://example.com:8443/', expected: nothing },
    {
      name: 'the own host without TLS',
      access: own,
      url: 'http://example.com/',
      expected: nothing,
    },
    { name: 'another when told', access: all, url: 'https://a.example/', expected: everything },
    { name: 'another without TLS', access: all, url: 'http://a.example/', expected: nothing },
  ])('decides what $name gets', ({ access, url, expected }) => {
    expect(accessFor(access, new URL(url))).toEqual(expected);
  });
});
