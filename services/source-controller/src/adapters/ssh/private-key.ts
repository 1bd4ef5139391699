import { createPrivateKey, type KeyObject, randomBytes } from 'node:crypto';
import { errorMessage } from '@sluice/shared/base';
import ssh2 from 'ssh2';
import { Fields, field } from './wire.ts';

/** A private key and the passphrase that protects it. */
export interface Identity {
  key: string;
  passphrase: string;
}

/** A key that cannot be used; the message continues a sentence about it, and holds nothing of the key. */
export class PrivateKeyError extends Error {
  override name = 'PrivateKeyError';
}

/** Rounds of bcrypt between a passphrase and its key; ssh-keygen makes 16 or 24 of them unless told. */
const maxRounds = 64;
const maxKeyLength = 64 * 1024;
const pkcs8 = '-----BEGIN PRIVATE KEY-----';
const openSsh = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]*)-----END OPENSSH PRIVATE KEY-----/;
const magic = 'openssh-key-v1\0';

/** Whether reading a key may take long. Without a passphrase, none of what protects keys is computed. */
export function mayTakeLong({ passphrase }: Identity): boolean {
  return passphrase !== '';
}

/**
 * Reads a private key in the form of OpenSSH, or in PEM as PKCS#1, SEC 1 or PKCS#8.
 *
 * @returns the key as ssh2 takes it, without passphrase
 * @throws PrivateKeyError when it is none, of another type, or its passphrase is another one
 */
export function readPrivateKey({ key, passphrase }: Identity): string {
  if (key.length > maxKeyLength) throw new PrivateKeyError('is too long for a private key');
  const rounds = roundsOf(key);
  if (rounds > maxRounds) {
    throw new PrivateKeyError(
      `is protected by ${rounds} rounds of bcrypt: at most ${maxRounds} are done; ssh-keygen -p -a 16 changes that`,
    );
  }
  if (key.includes(pkcs8)) return fromPkcs8(key);
  const parsed = ssh2.utils.parseKey(key, passphrase === '' ? undefined : passphrase);
  const [first] = Array.isArray(parsed) ? parsed : [parsed];
  if (first === undefined || first instanceof Error) throw unreadable(first, passphrase);
  if (!first.isPrivateKey()) {
    throw new PrivateKeyError('holds a public key: the private one is needed');
  }
  const pem = first.getPrivatePEM();
  return pem.includes(pkcs8) ? fromPkcs8(pem) : pem;
}

function unreadable(error: Error | undefined, passphrase: string): PrivateKeyError {
  const isLocked = /passphrase|encrypted|integrity|decrypt/i.test(error?.message ?? '');
  if (!isLocked) {
    return new PrivateKeyError('holds no private key in the form of OpenSSH or PEM');
  }
  return new PrivateKeyError(
    passphrase === ''
      ? 'is protected by a passphrase: add it as password'
      : 'is protected by another passphrase than password holds',
  );
}

/** `flux create secret git` makes keys in this form, which ssh2 writes, but does not read. */
function fromPkcs8(key: string): string {
  const object = keyObject(key);
  switch (object.asymmetricKeyType) {
    case 'rsa':
      return object.export({ type: 'pkcs1', format: 'pem' }).toString();
    case 'ec':
      return object.export({ type: 'sec1', format: 'pem' }).toString();
    case 'ed25519':
      return openSshEd25519(object);
    default:
      throw new PrivateKeyError(
        `holds a key of type ${object.asymmetricKeyType}: RSA, ECDSA and Ed25519 can be used`,
      );
  }
}

function keyObject(key: string): KeyObject {
  try {
    return createPrivateKey(key);
  } catch (error) {
    // Node names what is wrong with the form, and nothing of the content.
    throw new PrivateKeyError(`holds no private key that can be read: ${errorMessage(error)}`);
  }
}

/** @see https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key */
function openSshEd25519(object: KeyObject): string {
  const { d = '', x = '' } = object.export({ format: 'jwk' });
  const seed = Buffer.from(d, 'base64url');
  const point = Buffer.from(x, 'base64url');
  const type = field('ssh-ed25519');
  const publicKey = Buffer.concat([type, field(point)]);
  const check = randomBytes(4);
  const content = [
    check,
    check,
    type,
    field(point),
    field(Buffer.concat([seed, point])),
    field(''),
  ];
  const secret = Buffer.concat(content);
  const blockBytes = 8;
  const missing = (blockBytes - (secret.length % blockBytes)) % blockBytes;
  const padding = Buffer.from(Array.from({ length: missing }, (_, at) => at + 1));
  const one = Buffer.from([0, 0, 0, 1]);
  const whole = Buffer.concat([
    Buffer.from(magic),
    field('none'),
    field('none'),
    field(''),
    one,
    field(publicKey),
    field(Buffer.concat([secret, padding])),
  ]);
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${whole.toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

/** Rounds that it takes to open a key in the form of OpenSSH; 0 for one without passphrase, or in another form. */
function roundsOf(key: string): number {
  const base64 = openSsh.exec(key.slice(0, maxKeyLength))?.[1];
  if (base64 === undefined) return 0;
  const fields = new Fields(Buffer.from(base64, 'base64'));
  if (fields.bytes(magic.length).toString('latin1') !== magic) return 0;
  const [, , options] = [fields.next(), fields.next(), new Fields(fields.next())];
  options.next();
  return options.number();
}
