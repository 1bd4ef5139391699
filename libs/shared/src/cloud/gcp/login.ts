import { CloudLoginError } from '../cloud-error.ts';
import { type ControllerDoors, fileText } from '../controller-doors.ts';
import type { CloudEnvironment } from '../environment.ts';
import { ask, askJson, type CloudDoor, secondsFromNow, stringIn } from '../exchange.ts';
import { annotationOf } from '../service-account.ts';
import type { Issued } from '../token-cache.ts';
import { gcpExchange, gcpScopes, impersonationUrlOf } from './exchange.ts';
import { gcpCredentialsIn, gcpKeyIn, gcpKeyToken } from './key-file.ts';

const emailKey = 'iam.gke.io/gcp-service-account';
const emailForm = /^[a-zA-Z0-9-]{1,100}@[a-zA-Z0-9-]{1,100}\.iam\.gserviceaccount\.com$/;
const providerKey = 'gcp.auth.fluxcd.io/workload-identity-provider';
const providerForm =
  /^projects\/\d{1,30}\/locations\/global\/workloadIdentityPools\/[^/]{1,100}\/providers\/[^/]{1,100}$/;

/** What a ServiceAccount is in Google's cloud. */
export interface GcpAccount {
  /** For whom its token is made. */
  audience: string;
  /** As which provider the token is exchanged. */
  exchangeAudience: string;
  /** Service account of Google to act as. */
  email?: string;
}

/**
 * Finds out what a ServiceAccount is in Google's cloud: its annotation names a provider, or else the cluster is one of
 * GKE, whose metadata tell.
 *
 * @throws CloudLoginError
 */
export async function gcpAccountOf(
  annotations: Record<string, string>,
  env: CloudEnvironment,
  local: CloudDoor,
): Promise<GcpAccount> {
  const email = annotations[emailKey] ? annotationOf(annotations, emailKey, emailForm) : undefined;
  const whose = email === undefined ? {} : { email };
  if (annotations[providerKey]) {
    const audience = `//iam.googleapis.com/${annotationOf(annotations, providerKey, providerForm)}`;
    return { audience, exchangeAudience: audience, ...whose };
  }
  const [project, location, cluster] = await Promise.all([
    metadata(env, 'project/project-id', local),
    metadata(env, 'instance/attributes/cluster-location', local),
    metadata(env, 'instance/attributes/cluster-name', local),
  ]);
  const pool = `${project}.svc.id.goog`;
  const provider = `https://container.googleapis.com/v1/projects/${project}/locations/${location}/clusters/${cluster}`;
  const exchangeAudience = `identitynamespace:${pool}:${provider}`;
  return { audience: pool, exchangeAudience, ...whose };
}

/**
 * Logs in to Google's cloud as a ServiceAccount.
 *
 * @throws CloudLoginError
 */
export function gcpAccountLogin(
  { exchangeAudience, email }: GcpAccount,
  token: string,
  door: CloudDoor,
): Promise<Issued<string>> {
  const impersonationUrl =
    email === undefined ? {} : { impersonationUrl: impersonationUrlOf(email) };
  return gcpExchange({ audience: exchangeAudience, token, ...impersonationUrl }, door);
}

/**
 * Logs in to Google's cloud as the controller: with the file that the environment names, or as the machine or its
 * ServiceAccount by way of the metadata server.
 *
 * @throws CloudLoginError
 */
export async function gcpControllerLogin({
  environment: env,
  door,
  local,
}: ControllerDoors): Promise<Issued<string>> {
  const { GOOGLE_APPLICATION_CREDENTIALS: file } = env;
  if (file) return fileLogin(file, door);
  const scopes = encodeURIComponent(gcpScopes.join(','));
  const path = `instance/service-accounts/default/token?scopes=${scopes}`;
  const request = { method: 'GET', url: metadataUrl(env, path), headers: flavor } as const;
  const answer = await askJson(request, local);
  return {
    value: stringIn(answer, 'access_token', 'the metadata server'),
    expiresAtMs: secondsFromNow(answer['expires_in'], local.clock),
  };
}

/** A key, or what takes part in workload identity federation with a token in a file. */
async function fileLogin(file: string, door: CloudDoor): Promise<Issued<string>> {
  const where = `the file '${file}' of GOOGLE_APPLICATION_CREDENTIALS`;
  const text = await fileText(file);
  const given = gcpCredentialsIn(text, where);
  if (given['type'] !== 'external_account') {
    return gcpKeyToken(gcpKeyIn(text, where), { scopes: gcpScopes, where }, door);
  }
  const { audience, subject_token_type: tokenType, service_account_impersonation_url: url } = given;
  const source = given['credential_source'] as { file?: unknown; format?: unknown } | undefined;
  if (typeof audience !== 'string' || typeof source?.file !== 'string') {
    throw new CloudLoginError(`${where} needs audience and credential_source.file: add them`);
  }
  return gcpExchange(
    {
      audience,
      token: tokenIn(await fileText(source.file), source.format),
      ...(typeof tokenType === 'string' && { tokenType }),
      ...(typeof url === 'string' && { impersonationUrl: url }),
    },
    door,
  );
}

/** The token of a file: all of it, or a field of JSON. */
function tokenIn(text: string, format: unknown): string {
  const { type, subject_token_field_name: field } = (format ?? {}) as Record<string, unknown>;
  if (type !== 'json') return text;
  const values = gcpCredentialsIn(text, 'the file of credential_source');
  return stringIn(values, String(field), 'the file of credential_source');
}

const flavor = { 'metadata-flavor': 'Google' };

function metadataUrl(env: CloudEnvironment, path: string): string {
  return `http://${env.GCE_METADATA_HOST ?? 'metadata.google.internal'}/computeMetadata/v1/${path}`;
}

async function metadata(env: CloudEnvironment, path: string, local: CloudDoor): Promise<string> {
  const request = { method: 'GET', url: metadataUrl(env, path), headers: flavor } as const;
  const value = (await ask(request, local)).trim();
  if (value !== '') return value;
  throw new CloudLoginError(
    `the metadata server has no ${path}: name a provider in ${providerKey}`,
  );
}
