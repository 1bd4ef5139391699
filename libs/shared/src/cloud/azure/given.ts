import type { Dispatcher } from '../../net/index.ts';
import type { CloudCaller, CloudIdentities } from '../identities.ts';
import { type ClientCertificate, certificateAssertion } from './certificate.ts';
import { type AzureClient, azureClientToken, managedIdentityToken } from './token.ts';

/** An application of Azure, and what proves to be it. */
export interface AzureApplication {
  client: AzureClient;
  proof: { secret: string } | { certificate: ClientCertificate };
}

/** Who asks for a token. */
export interface AzureAsker {
  identities: CloudIdentities;
  caller: CloudCaller;
}

/**
 * Gets a token for an application that an object's Secret holds.
 *
 * @throws CloudLoginError
 */
export function azureApplicationToken(
  { identities, caller }: AzureAsker,
  { client, proof }: AzureApplication,
  scope: string,
): Promise<string> {
  const key = ['azure-app', scope, JSON.stringify([client, proof])];
  return identities.issued(caller, key, async (door) => {
    if ('secret' in proof) return azureClientToken(client, proof, scope, door);
    const assertion = await certificateAssertion(client, proof.certificate, door);
    return azureClientToken(client, { assertion }, scope, door);
  });
}

/**
 * Gets a token of one of the identities of the machine.
 *
 * @param local to addresses of the machine
 * @throws CloudLoginError
 */
export function azureMachineToken(
  { identities, caller }: AzureAsker,
  { client, scope }: { client: string; scope: string },
  local: Dispatcher,
): Promise<string> {
  const host = identities.environment.AZURE_POD_IDENTITY_AUTHORITY_HOST;
  const place = { ...caller, dispatcher: local, via: 'local' };
  return identities.issued(place, ['azure-managed', client, scope], (door) =>
    managedIdentityToken({ client, scope, ...(host !== undefined && { host }) }, door),
  );
}
