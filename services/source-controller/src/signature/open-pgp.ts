import { errorMessage } from '@sluice/shared/base';
import type { Key } from 'openpgp';
import { SignatureError, TrustedKeyError } from './signature-error.ts';

/** Most characters of a signature; those of git are below 3,000. */
const maxLength = 64 * 1024;

/**
 * Checks an OpenPGP signature.
 *
 * @param keyRings armored public keys, by where they are
 * @returns the ID of the key that made it
 * @throws SignatureError when no trusted key made it, or one that has expired or was revoked
 * @throws TrustedKeyError when a key cannot be read
 */
export async function verifyOpenPgp(
  signature: string,
  payload: Buffer,
  keyRings: ReadonlyMap<string, string>,
): Promise<string> {
  if (signature.length > maxLength) throw new SignatureError('its signature is too long');
  const { createMessage, readSignature, verify } = await import('openpgp');
  const keys = await readKeyRings(keyRings);
  const message = await createMessage({ binary: new Uint8Array(payload) });
  const parsed = await readSignature({ armoredSignature: signature }).catch((error: unknown) => {
    throw new SignatureError(`its signature cannot be read: ${errorMessage(error)}`);
  });
  const { signatures } = await verify({ message, signature: parsed, verificationKeys: keys });
  const reasons: string[] = [];
  for (const { keyID, verified } of signatures) {
    const id = keyID.toHex().toUpperCase();
    const problem = await verified.then(
      () => problemOf(keys, id),
      (error: unknown) => errorMessage(error),
    );
    if (problem === undefined) return id;
    reasons.push(`key ${id}: ${problem}`);
  }
  throw new SignatureError(
    reasons.length === 0 ? 'its signature is empty' : `none is trusted: ${reasons.join('; ')}`,
  );
}

async function readKeyRings(keyRings: ReadonlyMap<string, string>): Promise<Key[]> {
  const { readKeys } = await import('openpgp');
  const keys: Key[] = [];
  for (const [name, text] of keyRings) {
    try {
      keys.push(...(await readKeys({ armoredKeys: text })));
    } catch (error) {
      throw new TrustedKeyError(`${name} holds no armored public keys: ${errorMessage(error)}`);
    }
  }
  return keys;
}

/** The library asks what held when the signature was made, which its maker may choose. */
async function problemOf(keys: Key[], id: string): Promise<string | undefined> {
  const now = new Date();
  for (const key of keys) {
    const [subkey] = key.getSubkeys().filter((one) => one.getKeyID().toHex().toUpperCase() === id);
    if (subkey === undefined && key.getKeyID().toHex().toUpperCase() !== id) continue;
    if (await key.isRevoked(undefined, undefined, now)) return 'it was revoked';
    const times = [await key.getExpirationTime(), await subkey?.getExpirationTime(now)];
    if (times.includes(null)) return 'it is not valid';
    const isOver = times.some((time) => time instanceof Date && time <= now);
    return isOver ? 'it has expired' : undefined;
  }
  return 'it is not among the trusted keys';
}
