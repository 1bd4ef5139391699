import { CloudLoginError } from '../cloud-error.ts';
import { askJson, type CloudDoor, formOf, formType, stringIn } from '../exchange.ts';
import type { RegistryCredentials } from '../registry.ts';
import type { Issued } from '../token-cache.ts';

const registryForm = /^.+\.azurecr\.(?:io|cn|de|us)$/;
/** Who logs in with a token. */
const username = '00000000-0000-0000-0000-000000000000';

/** @throws CloudLoginError when a host is no registry of Azure */
export function checkAcr(host: string): void {
  if (registryForm.test(host)) return;
  throw new CloudLoginError(
    `'${host}' is no registry of Azure: name <registry>.azurecr.io, or use the provider generic`,
  );
}

/**
 * Exchanges a token of Azure for a login to a registry.
 *
 * @throws CloudLoginError
 * @see https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
 */
export async function acrLogin(
  host: string,
  token: string,
  door: CloudDoor,
): Promise<Issued<RegistryCredentials>> {
  checkAcr(host);
  const body = formOf({ grant_type: 'access_token', service: host, access_token: token });
  const url = `https://${host}/oauth2/exchange`;
  const headers = { 'content-type': formType };
  const secrets = [token];
  const answer = await askJson({ method: 'POST', url, headers, body, secrets }, door);
  const password = stringIn(answer, 'refresh_token', host);
  return { value: { username, password }, expiresAtMs: expiryOf(password) };
}

/** When a token ends that says so itself; used once when it does not. */
function expiryOf(token: string): number {
  try {
    const [, payload = ''] = token.split('.');
    const { exp } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as {
      exp?: unknown;
    };
    return typeof exp === 'number' ? exp * 1000 : 0;
  } catch {
    return 0;
  }
}
