import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPrivateKey } from '../../../src/adapters/ssh/private-key.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'ssh-key-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

let made = 0;
function generated(args: string[], passphrase = ''): { key: string; publicKey: string } {
  const path = join(dir, `key-${made++}`);
  execFileSync('ssh-keygen', ['-q', '-N', passphrase, '-f', path, ...args]);
  return { key: readFileSync(path, 'utf8'), publicKey: readFileSync(`${path}.pub`, 'utf8') };
}

/** The public half of what ssh2 is given. */
function publicHalf(key: string): string {
  const parsed = ssh2.utils.parseKey(key);
  if (parsed instanceof Error || Array.isArray(parsed)) throw new Error('no key');
  return parsed.getPublicSSH().toString('base64');
}

const base64Of = (publicKey: string) => publicKey.split(' ')[1];

describe('a private key is read', () => {
  it.each([
    { name: 'Ed25519 of ssh-keygen', args: ['-t', 'ed25519'] },
    { name: 'ECDSA of ssh-keygen', args: ['-t', 'ecdsa', '-b', '384'] },
    { name: 'RSA of ssh-keygen', args: ['-t', 'rsa', '-b', '2048'] },
    { name: 'RSA in PKCS#1', args: ['-t', 'rsa', '-b', '2048', '-m', 'PEM'] },
    { name: 'RSA in PKCS#8', args: ['-t', 'rsa', '-b', '2048', '-m', 'PKCS8'] },
    { name: 'ECDSA in PKCS#8', args: ['-t', 'ecdsa', '-m', 'PKCS8'] },
  ])('$name', ({ args }) => {
    const { key, publicKey } = generated(args);
    expect(publicHalf(readPrivateKey({ key, passphrase: '' }))).toBe(base64Of(publicKey));
  });

  it('Ed25519 in PKCS#8, as the flux program makes it', () => {
    const pair = generateKeyPairSync('ed25519');
    const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const { x = '' } = pair.publicKey.export({ format: 'jwk' });
    const wire = Buffer.from(publicHalf(readPrivateKey({ key, passphrase: '' })), 'base64');
    expect(wire.subarray(-32).toString('base64url')).toBe(x);
  });

  it('with its passphrase', () => {
    const { key, publicKey } = generated(['-t', 'ed25519', '-a', '1'], 'secret');
    expect(publicHalf(readPrivateKey({ key, passphrase: 'secret' }))).toBe(base64Of(publicKey));
  });
});

describe('a private key is refused', () => {
  const refusal = (key: string, passphrase = '') => {
    try {
      readPrivateKey({ key, passphrase });
    } catch (error) {
      return (error as Error).message;
    }
    return undefined;
  };

  it('without its passphrase, or with another one', () => {
    const { key } = generated(['-t', 'ed25519', '-a', '1'], 'secret');
    expect(refusal(key)).toBe('is protected by a passphrase: add it as password');
    expect(refusal(key, 'other')).toBe('is protected by another passphrase than password holds');
  });

  it('without its passphrase at once, however long that would take to try', () => {
    const { key } = generated(['-t', 'ed25519', '-a', '1'], 'secret');
    const bytes = Buffer.from(key.split('\n').slice(1, -2).join(''), 'base64');
    bytes.writeUInt32BE(0xffffffff, bytes.indexOf('bcrypt') + 'bcrypt'.length + 4 + 4 + 16);
    // In a form that is read as the same bytes.
    const body = bytes.toString('base64url');
    const endless = `-----BEGIN OPENSSH PRIVATE KEY-----\n-${body}\n-----END OPENSSH PRIVATE KEY-----\n`;
    expect(refusal(endless)).toMatch(/^(?:holds no private key|is protected by a passphrase)/);
  });

  it('when its passphrase takes too long to try', () => {
    const { key } = generated(['-t', 'ed25519', '-a', '65'], 'secret');
    expect(refusal(key, 'secret')).toContain('65 rounds of bcrypt: at most 64');
  });

  it('when it is a public key', () => {
    expect(refusal(generated(['-t', 'ed25519']).publicKey)).toContain('the private one is needed');
  });

  it.each([
    { name: 'a text', key: 'canary-31f8' },
    {
      name: 'a broken key',
      key: '-----BEGIN PRIVATE KEY-----\ncanary-31f8\n-----END PRIVATE KEY-----',
    },
    {
      name: 'a broken key of OpenSSH',
      key: '-----BEGIN OPENSSH PRIVATE KEY-----\ncanary-31f8\n-----END OPENSSH PRIVATE KEY-----',
    },
    { name: 'a long text', key: 'canary-31f8'.repeat(10_000) },
  ])('when it is $name, which the message does not hold', ({ key }) => {
    expect(refusal(key)).toMatch(/^(?:holds no|is too long for a) private key/);
    expect(refusal(key)).not.toContain('canary');
  });

  it('when it is of a type that SSH does not have', () => {
    const { privateKey } = generateKeyPairSync('x25519');
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(refusal(key)).toContain('x25519');
  });
});
