import { isIP } from 'node:net';
import { RetryableError, StalledError } from '@sluice/shared/base';
import {
  type AzureAsker,
  type AzureClient,
  azureApplicationToken,
  azureMachineToken,
  azureScopes,
  CloudLoginError,
  refuseExposed,
} from '@sluice/shared/cloud';
import { AzureBlobStorage } from '../adapters/storage/azure-blob.ts';
import {
  type AzureLogin,
  anonymousLogin,
  sasLogin,
  sharedKeyLogin,
  tokenLogin,
} from '../adapters/storage/azure-login.ts';
import type { ObjectStorage } from '../adapters/storage/object-storage.ts';
import { authenticationFailedReason, urlInvalidReason } from '../source/names.ts';
import type { SecretData } from '../source/secrets.ts';
import { certificateFrom } from './azure-certificate.ts';
import { bucketCaller, type Opening } from './opening.ts';
import { endpointOf } from './refuse.ts';

const azureForm =
  /\.blob\.(?:core\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net|cloudapi\.de)|storage\.azure\.net)$/;
const { storage: scope } = azureScopes;

/** Opens a container of Azure Blob Storage. */
export async function openAzure(opening: Opening): Promise<ObjectStorage> {
  const { spec } = opening.context.object;
  const endpoint = endpointOf(spec);
  const login = await loginOf(opening, endpoint);
  return new AzureBlobStorage({ ...opening.door, endpoint, container: spec.bucketName, login });
}

async function loginOf(opening: Opening, endpoint: URL): Promise<AzureLogin> {
  const { secret } = opening;
  if (secret === undefined) return identityLogin(opening, endpoint);
  const { values } = secret;
  const { tenantId: tenant, clientId: client, accountKey, sasKey } = values;
  if (tenant && client && (values['clientSecret'] || values['clientCertificate'])) {
    return applicationLogin(opening, secret, { tenant, client });
  }
  if (client) return managedLogin(opening, endpoint, client);
  if (accountKey) {
    const { clock } = opening.context;
    return sharedKeyLogin(accountOf(endpoint, secret), accountKey.trim(), clock);
  }
  if (sasKey) return sasLogin(new URLSearchParams(sasKey.trim().replace(/^\?/, '')));
  if (values['authorityHost']) return identityLogin(opening, endpoint);
  throw new RetryableError(
    authenticationFailedReason,
    `secret '${secret.id}' must hold tenantId, clientId and clientSecret or clientCertificate; or clientId, accountKey or sasKey alone`,
  );
}

/** Without an identity, the container is one that anybody may read. */
function identityLogin(opening: Opening, endpoint: URL): AzureLogin {
  const { deps, context } = opening;
  const { serviceAccountName } = context.object.spec;
  if (!takesTokens(endpoint)) {
    if (serviceAccountName) throw wrongHost();
    return anonymousLogin;
  }
  const caller = bucketCaller(opening);
  const login = tokenLogin(() => deps.identities.azure(caller, scope));
  const { AZURE_CLIENT_ID: isNamed } = deps.cloudEnvironment;
  if (serviceAccountName || isNamed) return login;
  return async (url, headers) => {
    try {
      return await login(url, headers);
    } catch (error) {
      if (!(error instanceof CloudLoginError)) throw error;
      return anonymousLogin(url, headers);
    }
  };
}

async function applicationLogin(
  opening: Opening,
  secret: SecretData,
  given: AzureClient,
): Promise<AzureLogin> {
  const { authorityHost: authority, clientSecret } = secret.values;
  const client = { ...given, ...(authority && { authority }) };
  const proof = clientSecret
    ? { secret: clientSecret }
    : {
        certificate: await certificateFrom(secret, {
          share: opening.context.object.metadata.namespace ?? '',
          signal: opening.door.signal,
        }),
      };
  return tokenLogin(() => azureApplicationToken(askerOf(opening), { client, proof }, scope));
}

function askerOf(opening: Opening): AzureAsker {
  return { identities: opening.deps.identities, caller: bucketCaller(opening) };
}

/** As one of the identities of the machine. */
function managedLogin(opening: Opening, endpoint: URL, client: string): AzureLogin {
  if (!takesTokens(endpoint)) throw wrongHost();
  const { deps, exposedBy } = opening;
  return tokenLogin(async () => {
    refuseExposed(exposedBy);
    return azureMachineToken(askerOf(opening), { client, scope }, deps.local);
  });
}

/** A token of an identity would be of use to whoever gets it. */
function takesTokens(endpoint: URL): boolean {
  return endpoint.protocol === 'https:' && azureForm.test(endpoint.hostname);
}

function wrongHost(): StalledError {
  return new StalledError(
    urlInvalidReason,
    'spec.endpoint must be https and a storage account of Azure to log in there with an identity: write https://<account>.blob.core.windows.net',
  );
}

/** The name of the account is the first part of the host name, or of the path at an emulator. */
function accountOf({ hostname, pathname }: URL, { id }: SecretData): string {
  const parts = hostname.split('.');
  const isHost = parts.length > 2 && isIP(hostname) === 0;
  const name = isHost ? parts[0] : pathname.split('/')[1];
  if (name) return name;
  throw new RetryableError(
    authenticationFailedReason,
    `spec.endpoint names no storage account, which accountKey of secret '${id}' needs: write https://<account>.blob.core.windows.net`,
  );
}
