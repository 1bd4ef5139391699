import { type Artifact, ociOriginRevisionKey, ociOriginSourceKey } from '@sluice/shared/api';
import { originFacts, originMetadata } from '@sluice/shared/artifact';
import { describe, expect, test } from 'vitest';

const fact = (name: string) => `facts.sluice.dev/${name}`;
const artifactWith = (metadata?: Record<string, string>): Artifact => ({
  path: 'p',
  url: 'http://source/p',
  revision: 'main@sha1:abc',
  digest: 'sha256:abc',
  lastUpdateTime: '2026-01-01T00:00:00Z',
  ...(metadata && { metadata }),
});

describe('the origin of an artifact', () => {
  test('is its metadata under a prefix of ours', () => {
    expect(
      originMetadata({
        author: 'Ada Lovelace',
        subject: 'Add a page',
        url: 'https://github.com/acme/shop.git',
        revision: 'main@sha1:abc',
      }),
    ).toEqual({
      [fact('commitAuthor')]: 'Ada Lovelace',
      [fact('commitSubject')]: 'Add a page',
      [fact('sourceURL')]: 'https://github.com/acme/shop.git',
      [fact('sourceRevision')]: 'main@sha1:abc',
    });
    expect(originMetadata({ author: '', subject: undefined })).toEqual({});
  });

  test('is one printable line each, of limited length', () => {
    const subject = `\u001b[31mred\u001b[0m\u0000\u202e one\ttwo\u2028three ${'😀'.repeat(500)}`;
    const metadata = originMetadata({ author: 'a\r\nb', subject });
    expect(metadata[fact('commitAuthor')]).toBe('a b');
    const said = metadata[fact('commitSubject')] ?? '';
    expect(said).toMatch(/^red one two three 😀/);
    expect(said.length).toBeLessThanOrEqual(200);
    expect(said.isWellFormed()).toBe(true);
    expect(said.endsWith('…')).toBe(true);
  });

  test.each([
    ['https://user:secret@example.com/a/b.git?token=secret#secret', 'https://example.com/a/b.git'],
    ['ssh://git@github.com/acme/shop', 'ssh://github.com/acme/shop'],
    ['ssh://git:secret@host:2222/acme/shop', 'ssh://host:2222/acme/shop'],
    ['git@github.com:acme/shop.git', 'ssh://github.com/acme/shop.git'],
    ['oci://example.com/a', undefined],
    ['javascript:alert(1)', undefined],
    ['file:///etc', undefined],
    ['no address', undefined],
    ['', undefined],
  ])('shows the address %s without credentials', (url, shown) => {
    expect(originMetadata({ url })[fact('sourceURL')]).toBe(shown);
  });
});

describe('facts of an artifact', () => {
  test('are what the source has put there, cleaned once more, and nothing else', () => {
    const artifact = artifactWith({
      [fact('commitAuthor')]: 'Ada\nLovelace',
      [fact('sourceURL')]: 'https://user:secret@example.com/a',
      [fact('other')]: 'x',
      plain: 'x',
    });
    expect(originFacts(artifact)).toEqual({
      [fact('commitAuthor')]: 'Ada Lovelace',
      [fact('sourceURL')]: 'https://example.com/a',
    });
  });

  test('have the repository and the revision that the one who pushed an OCI artifact has named', () => {
    const artifact = artifactWith({
      [ociOriginSourceKey]: 'git@example.com:acme/shop.git',
      [ociOriginRevisionKey]: 'main@sha1:abc\u0007',
    });
    expect(originFacts(artifact)).toEqual({
      [fact('sourceURL')]: 'ssh://example.com/acme/shop.git',
      [fact('sourceRevision')]: 'main@sha1:abc',
    });
  });

  test('are none without metadata or artifact', () => {
    expect(originFacts(artifactWith())).toEqual({});
    expect(originFacts(undefined)).toEqual({});
  });
});
