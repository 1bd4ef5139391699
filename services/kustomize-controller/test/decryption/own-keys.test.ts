import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSops } from '@sluice/shared/cli';
import { toolPath, whyNoGpg } from '@sluice/testing';
import {
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from 'age-encryption';
import {
  createMessage,
  encryptKey,
  encrypt as encryptPgp,
  generateKey,
  type PrivateKey,
  readPrivateKey,
} from 'openpgp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type KeyBed, startKeyBed } from './key-bed.ts';

let bed: KeyBed;
beforeAll(async () => {
  bed = await startKeyBed();
});
afterAll(() => bed.close());

function encryptWith(
  args: string[],
  env: Record<string, string> = {},
  global: string[] = [],
): string {
  const format = ['--input-type=yaml', '--output-type=yaml', '--filename-override=a.yaml'];
  return execFileSync(toolPath('sops'), [...global, 'encrypt', ...args, ...format], {
    input: 'password: plain\n',
    encoding: 'utf8',
    env: { HOME: '/nonexistent', PATH: process.env['PATH'] ?? '', ...env },
  });
}

/** Decrypts a file with the keys of a Secret, as a controller does. */
async function decryptWith(content: string, secret: Record<string, string>): Promise<string> {
  const sops = createSops({ binary: toolPath('sops'), tempDir: tmpdir() });
  const open = bed.open();
  const file = { name: 'a.yaml', content: Buffer.from(content), format: 'yaml' as const };
  const plain = await sops.decrypt(file, {
    open: async (request) =>
      Buffer.from(await open({ ...request, secret, latin1: true }), 'latin1'),
    share: 'apps',
    timeoutMs: 20_000,
  });
  return plain.toString();
}

describe('age', () => {
  test.each([
    ['X25519', generateX25519Identity],
    ['post-quantum', generateHybridIdentity],
  ])('keys of kind %s open files, whichever of several it is', async (_, generate) => {
    const [one, two] = [await generate(), await generate()];
    const encrypted = encryptWith([`--age=${await identityToRecipient(two)}`]);
    const secret = { 'one.agekey': one, 'two.agekey': `# of the team\n${two}\n` };
    expect(await decryptWith(encrypted, secret)).toBe('password: plain\n');
    await expect(decryptWith(encrypted, { 'one.agekey': one })).rejects.toThrow(
      /'a.yaml' cannot be decrypted: age key age1\w+: no age key at hand fits: put its private part under a name that ends in .agekey into Secret 'apps\/keys'/,
    );
  });

  test('keys that are malformed are told by their place alone', async () => {
    const identity = await generateX25519Identity();
    const encrypted = encryptWith([`--age=${await identityToRecipient(identity)}`]);
    const malformed = `${identity.slice(0, -1)}${identity.endsWith('Q') ? 'P' : 'Q'}`;
    const failure = decryptWith(encrypted, { 'a.agekey': malformed });
    await expect(failure).rejects.toThrow('age key 1 of 1 is malformed: replace it');
    await expect(failure).rejects.not.toThrow('AGE-SECRET-KEY');
  });
});

const user = { name: 'sops', email: 'sops@example.com' };

/** A file for an OpenPGP key, as sops writes it with gpg: its data key is taken from one for age. */
async function pgpFile(key: PrivateKey): Promise<string> {
  const identity = await generateX25519Identity();
  const encrypted = encryptWith([`--age=${await identityToRecipient(identity)}`]);
  const enc = /-----BEGIN AGE[\s\S]+?-----END AGE ENCRYPTED FILE-----/.exec(encrypted)?.[0] ?? '';
  const ciphertext = enc.replaceAll(/^ +/gm, '');
  const recipient = await identityToRecipient(identity);
  const dataKey = await bed.open()({
    key: { kind: 'age', recipient },
    ciphertext,
    secret: { 'a.agekey': identity },
    latin1: true,
  });
  const message = await createMessage({ binary: Buffer.from(dataKey, 'latin1') });
  const armored = await encryptPgp({ message, encryptionKeys: key.toPublic() });
  const lines = String(armored).trim().split(/\r?\n/).join('\n            ');
  const fp = key.getFingerprint().toUpperCase();
  const pgp = `    pgp:\n        - created_at: "2026-01-01T00:00:00Z"\n          enc: |-\n            ${lines}\n          fp: ${fp}\n`;
  return encrypted.replace(/^ {4}age:\n[\s\S]+?(?=^ {4}\w)/m, pgp);
}

describe('OpenPGP', () => {
  test.each([
    ['Curve25519', { type: 'curve25519' as const }],
    ['ECC of GnuPG', { type: 'ecc' as const, curve: 'curve25519Legacy' as const }],
    ['NIST', { type: 'ecc' as const, curve: 'nistP256' as const }],
    ['RSA', { type: 'rsa' as const, rsaBits: 2048 }],
  ])('keys of kind %s open files', async (_, kind) => {
    const made = await generateKey({ ...kind, userIDs: [user], format: 'object' });
    const file = await pgpFile(made.privateKey);
    expect(file).toContain('BEGIN PGP MESSAGE');
    expect(file).not.toContain('BEGIN AGE');
    const secret = { 'team.asc': made.privateKey.armor() };
    expect(await decryptWith(file, secret)).toBe('password: plain\n');
  });

  test('the key that fits is found among several, and none is told', async () => {
    const [one, two] = await Promise.all(
      [1, 2].map(() => generateKey({ userIDs: [user], format: 'object' })),
    );
    const keys = [one, two].map((made) => made?.privateKey.armor()).join('\n');
    const file = await pgpFile(two?.privateKey as PrivateKey);
    expect(await decryptWith(file, { 'all.asc': keys })).toBe('password: plain\n');
    const fingerprint = two?.privateKey.getFingerprint().toUpperCase();
    await expect(decryptWith(file, { 'a.asc': one?.privateKey.armor() ?? '' })).rejects.toThrow(
      `PGP key ${fingerprint}: no OpenPGP key at hand fits: put its private part under a name that ends in .asc into Secret`,
    );
    await expect(decryptWith(file, {})).rejects.toThrow(
      `PGP key ${fingerprint}: there is no OpenPGP key: put`,
    );
  });

  test('a key with a passphrase is named', async () => {
    const { privateKey } = await generateKey({ userIDs: [user], format: 'object' });
    const file = await pgpFile(privateKey);
    const locked = await encryptKey({
      privateKey: await readPrivateKey({ armoredKey: privateKey.armor() }),
      passphrase: 'secret',
    });
    await expect(decryptWith(file, { 'a.asc': locked.armor() })).rejects.toThrow(
      `OpenPGP key ${privateKey.getFingerprint().toUpperCase()} has a passphrase: export it without`,
    );
  });

  const reason = whyNoGpg();
  test.skipIf(reason !== undefined)(
    'files that sops has encrypted with gpg are opened',
    async () => {
      const home = mkdtempSync(join(tmpdir(), 'gpg-'));
      const env = { GNUPGHOME: home, HOME: home, PATH: process.env['PATH'] ?? '' };
      const gpg = (...args: string[]) =>
        execFileSync(
          'gpg',
          ['--batch', '--pinentry-mode', 'loopback', '--passphrase', '', ...args],
          {
            env,
            encoding: 'utf8',
            stdio: ['ignore', 'pipe', 'pipe'],
          },
        );
      try {
        gpg(
          '--quick-generate-key',
          'sops <sops@example.com>',
          'future-default',
          'default',
          'never',
        );
        const fp = /^fpr:+(\w+):/m.exec(gpg('--with-colons', '--list-keys'))?.[1] ?? '';
        const file = encryptWith([`--pgp=${fp}`], env);
        const secret = { 'a.asc': gpg('--armor', '--export-secret-keys', fp) };
        expect(await decryptWith(file, secret)).toBe('password: plain\n');
      } finally {
        execFileSync('gpgconf', ['--kill', 'all'], { env, stdio: 'ignore' });
        rmSync(home, { recursive: true, force: true });
      }
    },
  );
});

test('groups of keys are opened together, as far as their threshold asks', async () => {
  const identities = await Promise.all([
    generateX25519Identity(),
    generateHybridIdentity(),
    generateX25519Identity(),
  ]);
  const [one, two, three] = identities;
  const recipients = await Promise.all(identities.map(identityToRecipient));
  const dir = mkdtempSync(join(tmpdir(), 'sops-groups-'));
  const config = join(dir, 'config.yaml');
  const groups = recipients.map((recipient) => ({ age: [recipient] }));
  const rule = { key_groups: groups, shamir_threshold: 2 };
  writeFileSync(config, JSON.stringify({ creation_rules: [rule] }));
  const file = encryptWith([], {}, ['--config', config]);
  rmSync(dir, { recursive: true });
  expect(file).toContain('shamir_threshold: 2');
  const secret = { 'two.agekey': two ?? '', 'three.agekey': three ?? '' };
  expect(await decryptWith(file, secret)).toBe('password: plain\n');
  await expect(decryptWith(file, { 'one.agekey': one ?? '' })).rejects.toThrow(
    `age key ${recipients[2]}: no age key at hand fits`,
  );
});
