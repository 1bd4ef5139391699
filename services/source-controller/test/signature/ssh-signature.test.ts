import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifySsh } from '../../src/signature/ssh-signature.ts';

const payload = Buffer.from('what is signed\n');
let dir: string;
let made = 0;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'ssh-signature-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

function signed(args: string[], more: string[] = [], namespace = 'git') {
  const key = join(dir, `key-${made++}`);
  execFileSync('ssh-keygen', ['-q', '-N', '', '-f', key, ...args]);
  const file = `${key}.text`;
  writeFileSync(file, payload);
  execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-f', key, '-n', namespace, ...more, file], {
    stdio: 'ignore',
  });
  return {
    signature: readFileSync(`${file}.sig`, 'utf8'),
    keys: new Map([['own.sshpub', readFileSync(`${key}.pub`, 'utf8')]]),
  };
}

it.each([
  { args: ['-t', 'ed25519'] },
  { args: ['-t', 'ecdsa', '-b', '256'] },
  { args: ['-t', 'ecdsa', '-b', '384'] },
  { args: ['-t', 'ecdsa', '-b', '521'] },
  { args: ['-t', 'rsa', '-b', '2048'] },
  { args: ['-t', 'rsa', '-b', '4096'], more: ['-O', 'hashalg=sha256'] },
])(
  'a signature of ssh-keygen is that of its key and of no other text: $args $more',
  ({ args, more }) => {
    // Numbers of ECDSA are shorter now and then.
    for (let round = 0; round < (args.includes('ecdsa') ? 8 : 1); round++) {
      const { signature, keys } = signed(args, more);
      expect(verifySsh(signature, payload, keys)).toMatch(/^SHA256:/);
      expect(() => verifySsh(signature, Buffer.from('another text'), keys)).toThrow('did not sign');
    }
  },
);

it('a signature for another purpose does not count', () => {
  const { signature, keys } = signed(['-t', 'ed25519'], [], 'file');
  expect(() => verifySsh(signature, payload, keys)).toThrow('was not made for git');
});

it('a signature of another key does not count', () => {
  const { signature } = signed(['-t', 'ed25519']);
  const { keys } = signed(['-t', 'ed25519']);
  expect(() => verifySsh(signature, payload, keys)).toThrow(/key SHA256:\S+ is not among/);
});

it.each([
  { name: 'a short RSA key', args: ['-t', 'rsa', '-b', '1024'], message: 'less than 2048 bits' },
])('is not trusted: $name', ({ args, message }) => {
  const { signature, keys } = signed(args);
  expect(() => verifySsh(signature, payload, keys)).toThrow(message);
});

it.each([
  { name: 'another text', text: 'canary-91bd' },
  {
    name: 'a cut one',
    text: '-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----',
  },
  { name: 'a long one', text: `-----BEGIN SSH SIGNATURE-----\n${'A'.repeat(100_000)}` },
])('what is no signature is refused: $name', ({ text }) => {
  expect(() => verifySsh(text, payload, new Map())).toThrow('its signature cannot be read');
});

it('a line that is no key is named, and not shown', () => {
  const { signature } = signed(['-t', 'ed25519']);
  const keys = new Map([['own.sshpub', '# first\ncanary-91bd\n']]);
  expect(() => verifySsh(signature, payload, keys)).toThrow(
    /^own\.sshpub, line 2, holds no public key of SSH$/,
  );
});
