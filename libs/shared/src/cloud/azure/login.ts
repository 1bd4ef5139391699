import { type ControllerDoors, fileText } from '../controller-doors.ts';
import type { CloudDoor } from '../exchange.ts';
import { annotationOf } from '../service-account.ts';
import type { Issued } from '../token-cache.ts';
import { certificateAssertion } from './certificate.ts';
import { type AzureClient, azureClientToken, managedIdentityToken } from './token.ts';

/** For whom tokens of ServiceAccounts are made that Azure takes. */
export const azureAudience = 'api://AzureADTokenExchange';

const idForm = /^[A-Za-z0-9.-]{1,100}$/;

/**
 * The managed identity that a ServiceAccount stands for.
 *
 * @param authority of the environment
 * @throws CloudLoginError
 */
export function azureClientOf(
  annotations: Record<string, string>,
  authority: string | undefined,
): AzureClient {
  return {
    tenant: annotationOf(annotations, 'azure.workload.identity/tenant-id', idForm),
    client: annotationOf(annotations, 'azure.workload.identity/client-id', idForm),
    ...(authority !== undefined && { authority }),
  };
}

/**
 * Logs in to Azure as a ServiceAccount.
 *
 * @throws CloudLoginError
 */
export function azureAccountLogin(
  client: AzureClient,
  o: { token: string; scope: string },
  door: CloudDoor,
): Promise<Issued<string>> {
  return azureClientToken(client, { assertion: o.token }, o.scope, door);
}

/**
 * Logs in to Azure as the controller: with what the environment names, the identity of its ServiceAccount, or as the
 * machine.
 *
 * @throws CloudLoginError
 */
export async function azureControllerLogin(
  { environment: env, door, local }: ControllerDoors,
  scope: string,
): Promise<Issued<string>> {
  const { AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: client, AZURE_AUTHORITY_HOST: authority } = env;
  if (tenant && client) {
    const who = { tenant, client, ...(authority !== undefined && { authority }) };
    const { AZURE_CLIENT_SECRET: secret, AZURE_CLIENT_CERTIFICATE_PATH: certificate } = env;
    if (secret) return azureClientToken(who, { secret }, scope, door);
    if (certificate) {
      const pem = await fileText(certificate);
      const where = `the file '${certificate}'`;
      const assertion = await certificateAssertion(who, { pem, where }, door);
      return azureClientToken(who, { assertion }, scope, door);
    }
    const { AZURE_FEDERATED_TOKEN_FILE: file } = env;
    if (file) {
      return azureClientToken(who, { assertion: await fileText(file) }, scope, door);
    }
  }
  const host = env.AZURE_POD_IDENTITY_AUTHORITY_HOST;
  return managedIdentityToken(
    { scope, ...(host !== undefined && { host }), ...(client !== undefined && { client }) },
    local,
  );
}
