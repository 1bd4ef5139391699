import { verifyOpenPgp } from './open-pgp.ts';
import { SignatureError } from './signature-error.ts';
import type { SignedObject } from './signed-object.ts';

/** Texts of the trusted keys, by where they are. */
export interface TrustedKeys {
  openPgp: ReadonlyMap<string, string>;
  ssh: ReadonlyMap<string, string>;
}

const pgp = ['-----BEGIN PGP SIGNATURE-----', '-----BEGIN PGP MESSAGE-----'];
const ssh = '-----BEGIN SSH SIGNATURE-----';

/**
 * Checks that one of the trusted keys signed an object.
 *
 * @returns the ID or fingerprint of the key
 * @throws SignatureError when none did
 * @throws TrustedKeyError when a key cannot be read
 */
export async function verifySignature(
  { payload, signature }: SignedObject,
  keys: TrustedKeys,
): Promise<string> {
  const text = signature?.trimStart() ?? '';
  if (text === '') throw new SignatureError('it is not signed');
  if (pgp.some((start) => text.startsWith(start))) {
    if (keys.openPgp.size > 0) return verifyOpenPgp(text, payload, keys.openPgp);
    throw new SignatureError('its signature is of OpenPGP, of which there is no trusted key');
  }
  if (text.startsWith(ssh)) {
    if (keys.ssh.size === 0) {
      throw new SignatureError('its signature is of SSH, of which there is no trusted key');
    }
    const { verifySsh } = await import('./ssh-signature.ts');
    return verifySsh(text, payload, keys.ssh);
  }
  throw new SignatureError('its signature is neither of OpenPGP nor of SSH');
}
