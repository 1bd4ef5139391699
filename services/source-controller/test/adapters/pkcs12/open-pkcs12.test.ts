import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BudgetError } from '@sluice/shared/base';
import { temporaryFolder } from '@sluice/testing';
import { execa } from 'execa';
import forge from 'node-forge';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPkcs12 } from '../../../src/adapters/pkcs12/open-pkcs12.ts';

let folder: { path: string; remove(): Promise<void> };
const o = { share: 'default', signal: new AbortController().signal };

const openssl = (args: string[]) => execa('openssl', args, { cwd: folder.path });

/** Makes a key with its certificate: `<name>.key` and `<name>.crt`. */
async function makePair(name: string, newKey: string[]): Promise<void> {
  const files = ['-keyout', `${name}.key`, '-out', `${name}.crt`];
  await openssl(['req', '-x509', '-nodes', ...newKey, '-subj', `/CN=${name}`, ...files]);
}

/** What `openssl pkcs12 -export` makes of a pair, in base64. */
async function exported(name: string, args: string[], password = 'canary-77a1'): Promise<string> {
  const input = ['-inkey', `${name}.key`, '-in', `${name}.crt`];
  const out = `${randomUUID()}.p12`;
  const all = ['pkcs12', '-export', ...input, '-passout', `pass:${password}`, '-out', out];
  await openssl([...all, ...args]);
  return readFile(join(folder.path, out), 'base64');
}

const read = (file: string) => readFile(join(folder.path, file), 'utf8');
const certificates = (pem: string) =>
  [...pem.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)].map(
    ([text]) => new X509Certificate(text).fingerprint256,
  );

async function expectPair(pem: string): Promise<void> {
  const own = createPrivateKey(await read('rsa.key'));
  expect(createPrivateKey(pem).equals(own)).toBe(true);
  expect(certificates(pem)).toEqual(certificates(await read('rsa.crt')));
}

beforeAll(async () => {
  folder = await temporaryFolder('pkcs12');
  await makePair('rsa', ['-newkey', 'rsa:2048']);
  await makePair('other', ['-newkey', 'rsa:2048']);
  await makePair('ec', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']);
});
afterAll(() => folder.remove());

/** Of SafeContents and key, each with the digest of the integrity code. */
const tripleDes = ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'];

describe('PKCS#12 as openssl makes it', () => {
  test.each([
    { name: 'with AES-256 and PBKDF2', args: [] },
    { name: 'with AES-128 and SHA-512', args: ['-keypbe', 'AES-128-CBC', '-macalg', 'sha512'] },
    { name: 'with 3DES', args: tripleDes },
    { name: 'with RC2, as of old', args: ['-legacy'] },
    { name: 'with a certificate in the open', args: ['-certpbe', 'NONE'] },
    { name: 'without integrity code', args: ['-nomac'] },
    { name: 'with many rounds', args: ['-iter', '100000'] },
  ])('is opened $name', async ({ args }) => {
    await expectPair(
      await openPkcs12({ content: await exported('rsa', args), password: 'canary-77a1' }, o),
    );
  });

  test('is opened without a password', async () => {
    await expectPair(await openPkcs12({ content: await exported('rsa', [], ''), password: '' }, o));
  });

  test('gives the whole chain, of certificates of other keys too', async () => {
    const chain = await Promise.all([read('other.crt'), read('ec.crt')]);
    await writeFile(join(folder.path, 'chain.crt'), chain.join(''));
    const content = await exported('rsa', ['-certfile', 'chain.crt']);
    const found = certificates(await openPkcs12({ content, password: 'canary-77a1' }, o));
    const made = certificates([await read('rsa.crt'), ...chain].join(''));
    expect(found.toSorted()).toEqual(made.toSorted());
  });
});

describe('it is said why a file is not opened', () => {
  test.each([
    { args: [], why: 'of a modern form' },
    { args: ['-legacy'], why: 'of the legacy form' },
    { args: ['-nomac'], why: 'without integrity code' },
  ])('when the password is another one, $why', async ({ args }) => {
    const content = await exported('rsa', args);
    for (const password of ['', 'wrong']) {
      await expect(openPkcs12({ content, password }, o)).rejects.toThrow(
        'another password than clientCertificatePassword holds',
      );
    }
  });

  test('when the key is not of RSA', async () => {
    const content = await exported('ec', []);
    const opening = openPkcs12({ content, password: 'canary-77a1' }, o);
    await expect(opening).rejects.toThrow('holds no RSA key');
  });

  test.each([
    { name: 'nothing', content: '' },
    { name: 'text', content: Buffer.from('some text').toString('base64') },
    { name: 'a sequence', content: Buffer.from([0x30, 0x03, 0x02, 0x01, 0x03]).toString('base64') },
    { name: 'depth', content: Buffer.from('3080'.repeat(2000), 'hex').toString('base64') },
  ])('when it is none: $name', async ({ content }) => {
    const opening = openPkcs12({ content, password: '' }, o);
    await expect(opening).rejects.toThrow('holds neither PEM nor PKCS#12 that can be read');
  });

  test('when its protection is not known', async () => {
    const args = ['-certpbe', 'CAMELLIA-128-CBC', '-keypbe', 'CAMELLIA-128-CBC'];
    const content = await exported('rsa', args);
    const opening = openPkcs12({ content, password: 'canary-77a1' }, o);
    await expect(opening).rejects.toThrow('write it anew with AES or 3DES');
  });

  test('when it is too long', async () => {
    const content = Buffer.alloc(300 * 1024).toString('base64');
    await expect(openPkcs12({ content, password: '' }, o)).rejects.toThrow('is too long');
  });
});

/** Returns what an octet string holds in the open; undefined for salts, and for what is encrypted. */
function derIn(bytes: string): forge.asn1.Asn1 | undefined {
  try {
    return forge.asn1.fromDer(forge.util.createBuffer(bytes));
  } catch {
    return undefined;
  }
}

/** Sets every number of rounds. */
function withRounds(content: string, from: number, rounds: number): string {
  const { asn1, util } = forge;
  const old = asn1.integerToDer(from).getBytes();
  const visit = (node: forge.asn1.Asn1): void => {
    if (Array.isArray(node.value)) node.value.forEach(visit);
    else if (node.type === asn1.Type.OCTETSTRING && derIn(node.value) !== undefined) {
      const inner = derIn(node.value) as forge.asn1.Asn1;
      visit(inner);
      node.value = asn1.toDer(inner).getBytes();
    } else if (node.type === asn1.Type.INTEGER && node.value === old)
      node.value = asn1.integerToDer(rounds).getBytes();
  };
  const tree = asn1.fromDer(util.decode64(content));
  visit(tree);
  return util.encode64(asn1.toDer(tree).getBytes());
}

test('a file that asks for endless rounds is given up, and others are opened meanwhile', async () => {
  const good = await exported('rsa', []);
  const password = 'canary-77a1';
  const hostile = [[], ['-nomac']].map(async (args) => {
    const content = withRounds(
      await exported('rsa', ['-iter', '2049', ...args]),
      2049,
      2 ** 31 - 1,
    );
    return openPkcs12({ content, password }, { ...o, share: 'hostile' });
  });
  const ends = Promise.allSettled(hostile);
  let isOver = false;
  void ends.then(() => {
    isOver = true;
  });
  await expectPair(await openPkcs12({ content: good, password }, { ...o, share: 'good' }));
  expect(isOver).toBe(false);
  for (const end of await ends) {
    expect(end).toMatchObject({ status: 'rejected', reason: expect.any(BudgetError) });
  }
}, 60_000);
