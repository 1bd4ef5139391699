import { CloudLoginError } from '../cloud-error.ts';
import { askJson, type CloudDoor, stringIn } from '../exchange.ts';

const host = 'cloudkms.googleapis.com';
const part = '[\\w.:-]{0,100}[\\w-]';
const resourceForm = new RegExp(
  `^projects/${part}/locations/${part}/keyRings/${part}/cryptoKeys/${part}$`,
);

/**
 * Decrypts with a key of Google Cloud KMS.
 *
 * @param o.resource name of the key
 * @param o.ciphertext in base64
 * @returns the plaintext in base64
 * @throws CloudLoginError
 * @see https://cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings.cryptoKeys/decrypt
 */
export async function gcpKmsDecrypt(
  { resource, ciphertext }: { resource: string; ciphertext: string },
  token: () => Promise<string>,
  door: CloudDoor,
): Promise<string> {
  if (!resourceForm.test(resource)) {
    throw new CloudLoginError(
      'the name of the key is none of Google Cloud KMS: it must be projects/<project>/locations/<location>/keyRings/<ring>/cryptoKeys/<key>',
    );
  }
  const bearer = await token();
  const answer = await askJson(
    {
      method: 'POST',
      url: `https://${host}/v1/${resource}:decrypt`,
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ciphertext }),
      secrets: [bearer],
      what: 'a decryption',
    },
    door,
  );
  return stringIn(answer, 'plaintext', host);
}
