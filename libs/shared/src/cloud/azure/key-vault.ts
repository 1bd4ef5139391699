import { CloudLoginError } from '../cloud-error.ts';
import { askJson, type CloudDoor, stringIn } from '../exchange.ts';

const hostForm =
  /^[a-z0-9-]{1,127}\.((?:vault|managedhsm)\.(?:azure\.net|azure\.cn|usgovcloudapi\.net))$/;
const nameForm = /^[0-9A-Za-z-]{1,127}$/;
const versionForm = /^[0-9a-fA-F]{1,64}$/;

/** What is to be decrypted by Azure Key Vault. */
export interface KeyVaultRequest {
  vaultUrl: string;
  name: string;
  version: string;
  /** In base64 for addresses. */
  ciphertext: string;
}

/** A key whose address is one of Azure. */
export interface KeyVaultKey {
  /** Of the key, whose operations are below it. */
  url: string;
  /** What tokens for it are for. */
  scope: string;
}

/**
 * Finds a key. Tokens are sent to its address, so it has to be one of Azure.
 *
 * @throws CloudLoginError
 */
export function keyVaultKey({ vaultUrl, name, version }: KeyVaultRequest): KeyVaultKey {
  const url = URL.parse(vaultUrl);
  const domain = url?.protocol === 'https:' ? hostForm.exec(url.host)?.[1] : undefined;
  if (url === null || domain === undefined || url.href !== `${url.origin}/`) {
    throw new CloudLoginError(
      'the address of the key vault is none of Azure: it must be https://<name>.vault.azure.net',
    );
  }
  if (!nameForm.test(name) || !versionForm.test(version)) {
    throw new CloudLoginError('the name or version of the key is none of Azure Key Vault');
  }
  return { url: `${url.origin}/keys/${name}/${version}`, scope: `https://${domain}/.default` };
}

/**
 * Decrypts with a key of Azure Key Vault.
 *
 * @returns the plaintext in base64 for addresses
 * @throws CloudLoginError
 * @see https://learn.microsoft.com/rest/api/keyvault/keys/decrypt/decrypt
 */
export async function keyVaultDecrypt(
  { url }: KeyVaultKey,
  { ciphertext, token }: { ciphertext: string; token: string },
  door: CloudDoor,
): Promise<string> {
  const answer = await askJson(
    {
      method: 'POST',
      url: `${url}/decrypt?api-version=7.4`,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ alg: 'RSA-OAEP-256', value: ciphertext }),
      secrets: [token],
      what: 'a decryption',
    },
    door,
  );
  return stringIn(answer, 'value', new URL(url).host);
}
