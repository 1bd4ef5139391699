import { DataKeyError } from '@sluice/shared/cli';
import type { PrivateKey } from 'openpgp';

/** A data key is 32 bytes, a share of it 33; all around it is a few kilobytes. */
const maxLength = 64 * 1024;

/**
 * Decrypts with whichever of the OpenPGP keys fits. Neither gpg nor its agent takes part.
 *
 * @param armored private keys without a passphrase
 * @param ciphertext an armored message
 * @returns undefined when none fits
 * @throws DataKeyError when a key cannot be used, or the message is malformed
 */
export async function openWithPgp(
  armored: readonly string[],
  ciphertext: string,
): Promise<Uint8Array | undefined> {
  const { decrypt, readMessage } = await import('openpgp');
  const decryptionKeys = await readKeys(armored);
  const config = { maxDecompressedMessageSize: maxLength };
  const isShort = ciphertext.length <= maxLength;
  const message =
    isShort && (await readMessage({ armoredMessage: ciphertext, config }).catch(() => undefined));
  if (!message) {
    throw new DataKeyError('what is encrypted with PGP is no armored message: encrypt it again');
  }
  const opened = await decrypt({ message, decryptionKeys, format: 'binary', config }).catch(
    () => undefined,
  );
  return opened?.data as Uint8Array | undefined;
}

async function readKeys(armored: readonly string[]): Promise<PrivateKey[]> {
  const { readPrivateKeys } = await import('openpgp');
  const found: PrivateKey[] = [];
  for (const armoredKeys of armored) {
    const keys = await readPrivateKeys({ armoredKeys }).catch(() => undefined);
    if (keys === undefined) throw new DataKeyError('an OpenPGP key is malformed: export it again');
    found.push(...keys);
  }
  const locked = found.find((key) => !key.isDecrypted());
  if (locked === undefined) return found;
  throw new DataKeyError(
    `OpenPGP key ${locked.getFingerprint().toUpperCase()} has a passphrase: export it without`,
  );
}
