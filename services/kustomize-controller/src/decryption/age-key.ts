import { DataKeyError } from '@sluice/shared/cli';

/**
 * Decrypts with whichever of the age keys fits, post-quantum ones among them.
 *
 * @param ciphertext armored
 * @returns undefined when none fits
 * @throws DataKeyError when a key, or the text, is malformed
 */
export async function openWithAge(
  identities: readonly string[],
  ciphertext: string,
): Promise<Uint8Array | undefined> {
  const { armor, Decrypter } = await import('age-encryption');
  const decrypter = new Decrypter();
  for (const [at, identity] of identities.entries()) {
    try {
      decrypter.addIdentity(identity);
    } catch {
      // The message might quote the key.
      throw new DataKeyError(`age key ${at + 1} of ${identities.length} is malformed: replace it`);
    }
  }
  let file: Uint8Array;
  try {
    file = armor.decode(ciphertext.trim());
  } catch {
    throw new DataKeyError('what is encrypted with age is no armored text: encrypt it again');
  }
  return decrypter.decrypt(file, 'uint8array').catch(() => undefined);
}
