import { createHash, verify } from 'node:crypto';
import ssh2, { type ParsedKey } from 'ssh2';
import { Fields, field, fingerprintOf } from '../adapters/ssh/wire.ts';
import { SignatureError, TrustedKeyError } from './signature-error.ts';

/** What a signature in the form of OpenSSH holds. */
interface SshSignature {
  publicKey: Buffer;
  hash: string;
  algorithm: string;
  bytes: Buffer;
}

const armor = /^-----BEGIN SSH SIGNATURE-----\s([A-Za-z0-9+/=\s]+)-----END SSH SIGNATURE-----\s*$/;
const magic = 'SSHSIG';
const namespace = 'git';
const hashes = ['sha256', 'sha512'];
const maxLength = 64 * 1024;
const minRsaBits = 2048;
const algorithms: Record<string, string[]> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  // The signature of SHA-1 is no longer taken for one.
  'ssh-rsa': ['rsa-sha2-256', 'rsa-sha2-512'],
};

/** Hashes of RSA's signatures; Ed25519 has its own. */
const rsaHashes: Record<string, string> = { 'rsa-sha2-256': 'sha256', 'rsa-sha2-512': 'sha512' };
/** Hashes, and bytes of a number, of ECDSA (RFC 5656). */
const curves: Record<string, { hash: string; bytes: number }> = {
  'ecdsa-sha2-nistp256': { hash: 'sha256', bytes: 32 },
  'ecdsa-sha2-nistp384': { hash: 'sha384', bytes: 48 },
  'ecdsa-sha2-nistp521': { hash: 'sha512', bytes: 66 },
};

/**
 * Checks a signature of `ssh-keygen -Y sign`.
 *
 * @param files lines of public keys, by where they are
 * @returns the fingerprint of the key that made it
 * @throws SignatureError when no trusted key made it
 * @throws TrustedKeyError when a key cannot be read
 * @see https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig
 */
export function verifySsh(
  signature: string,
  payload: Buffer,
  files: ReadonlyMap<string, string>,
): string {
  const parsed = readSignature(signature);
  const trusted = [...files].flatMap(([name, text]) => readKeys(name, text));
  const key = trusted.find((one) => one.getPublicSSH().equals(parsed.publicKey));
  const shown = fingerprintOf(parsed.publicKey);
  if (key === undefined) throw new SignatureError(`key ${shown} is not among the trusted keys`);
  if (!algorithms[key.type]?.includes(parsed.algorithm)) {
    throw new SignatureError(`its signature of type ${key.type} is not accepted`);
  }
  const digest = createHash(parsed.hash).update(payload).digest();
  const signed = Buffer.concat([
    Buffer.from(magic),
    field(namespace),
    field(''),
    field(parsed.hash),
    field(digest),
  ]);
  if (isSignedBy(key, signed, parsed)) return shown;
  throw new SignatureError(`key ${shown} did not sign this`);
}

function isSignedBy(key: ParsedKey, signed: Buffer, { algorithm, bytes }: SshSignature): boolean {
  const curve = curves[algorithm];
  const publicKey = key.getPublicPEM();
  if (curve === undefined) return verify(rsaHashes[algorithm], signed, publicKey, bytes);
  const numbers = new Fields(bytes);
  const pair = [numbers.next(), numbers.next()].map((number) => ofLength(number, curve.bytes));
  const options = { key: publicKey, dsaEncoding: 'ieee-p1363' as const };
  return verify(curve.hash, signed, options, Buffer.concat(pair));
}

/** SSH writes a number without zeros before it, or with one where it would be negative. */
function ofLength(number: Buffer, length: number): Buffer {
  const digits = number.subarray(Math.max(0, number.length - length));
  return Buffer.concat([Buffer.alloc(length - digits.length), digits]);
}

function readSignature(text: string): SshSignature {
  const base64 = text.length <= maxLength ? armor.exec(text.trim())?.[1] : undefined;
  const fields = new Fields(Buffer.from(base64 ?? '', 'base64'));
  const start = fields.bytes(magic.length).toString('latin1');
  const version = fields.number();
  const publicKey = fields.next();
  const place = fields.next().toString('latin1');
  fields.next();
  const hash = fields.next().toString('latin1');
  const own = new Fields(fields.next());
  const algorithm = own.next().toString('latin1');
  const bytes = own.next();
  if (start !== magic || version !== 1 || fields.isShort || own.isShort) {
    throw new SignatureError('its signature cannot be read');
  }
  if (place !== namespace) throw new SignatureError('its signature was not made for git');
  if (!hashes.includes(hash)) throw new SignatureError('the hash of its signature is not accepted');
  return { publicKey, hash, algorithm, bytes };
}

function readKeys(name: string, text: string): ParsedKey[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines
    .map((line, at) => ({ line, number: at + 1 }))
    .filter(({ line }) => line !== '' && !line.startsWith('#'))
    .map(({ line, number }) => readKey(line, `${name}, line ${number},`));
}

function readKey(line: string, where: string): ParsedKey {
  const parsed = ssh2.utils.parseKey(line);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key === undefined || key instanceof Error || key.isPrivateKey()) {
    throw new TrustedKeyError(`${where} holds no public key of SSH`);
  }
  if (algorithms[key.type] === undefined) {
    throw new TrustedKeyError(`${where} holds a key of type ${key.type}, which is not accepted`);
  }
  if (key.type === 'ssh-rsa' && rsaBits(key) < minRsaBits) {
    throw new TrustedKeyError(`${where} holds an RSA key of less than ${minRsaBits} bits`);
  }
  return key;
}

function rsaBits(key: ParsedKey): number {
  const fields = new Fields(key.getPublicSSH());
  fields.next();
  fields.next();
  const modulus = fields.next();
  return 8 * (modulus[0] === 0 ? modulus.length - 1 : modulus.length);
}
