import { CloudLoginError } from '../cloud-error.ts';
import {
  askJson,
  type CloudDoor,
  formOf,
  formType,
  secondsFromNow,
  stringIn,
} from '../exchange.ts';
import type { Issued } from '../token-cache.ts';

/** Where Microsoft gives tokens, unless told. */
export const publicAuthority = 'https://login.microsoftonline.com';

const idForm = /^[A-Za-z0-9.-]{1,100}$/;
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** An application, or managed identity, of Azure. */
export interface AzureClient {
  /** Address of the authority; the public one unless told. */
  authority?: string;
  tenant: string;
  client: string;
}

/** What proves to be an application: its password, or a signed claim. */
export type AzureProof = { secret: string } | { assertion: string };

/** Address at which an application asks for tokens. */
export function tokenUrl({ authority, tenant, client }: AzureClient): string {
  if (!idForm.test(tenant) || !idForm.test(client)) {
    throw new CloudLoginError('the tenant or client ID for Azure is none: correct it');
  }
  const base = (authority ?? publicAuthority).replace(/\/+$/, '');
  if (!/^https?:$/.test(URL.parse(base)?.protocol ?? '')) {
    throw new CloudLoginError('the authority host for Azure is no https:// address: correct it');
  }
  return `${base}/${tenant}/oauth2/v2.0/token`;
}

/**
 * Gets a token for an application.
 *
 * @throws CloudLoginError
 * @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 */
export async function azureClientToken(
  client: AzureClient,
  proof: AzureProof,
  scope: string,
  door: CloudDoor,
): Promise<Issued<string>> {
  const isSecret = 'secret' in proof;
  const body = formOf({
    client_id: client.client,
    scope,
    grant_type: 'client_credentials',
    client_secret: isSecret ? proof.secret : undefined,
    client_assertion_type: isSecret ? undefined : assertionType,
    client_assertion: isSecret ? undefined : proof.assertion,
  });
  const url = tokenUrl(client);
  const headers = { 'content-type': formType };
  const secrets = [isSecret ? proof.secret : proof.assertion];
  const answer = await askJson({ method: 'POST', url, headers, body, secrets }, door);
  return tokenIn(answer, new URL(url).host, door);
}

/**
 * Gets a token for the identity of the machine.
 *
 * @param o.client of one identity, when the machine has several
 * @throws CloudLoginError
 * @see https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
 */
export async function managedIdentityToken(
  o: { host?: string; client?: string; scope: string },
  local: CloudDoor,
): Promise<Issued<string>> {
  const url = new URL('/metadata/identity/oauth2/token', o.host ?? 'http://169.254.169.254');
  url.searchParams.set('api-version', '2018-02-01');
  url.searchParams.set('resource', o.scope.replace(/\/\.default$/, ''));
  if (o.client !== undefined) url.searchParams.set('client_id', o.client);
  const headers = { metadata: 'true' };
  const answer = await askJson({ method: 'GET', url: url.href, headers }, local);
  return tokenIn(answer, 'the identity of the machine', local);
}

function tokenIn(
  answer: Record<string, unknown>,
  from: string,
  { clock }: CloudDoor,
): Issued<string> {
  return {
    value: stringIn(answer, 'access_token', from),
    expiresAtMs: secondsFromNow(answer['expires_in'], clock),
  };
}
