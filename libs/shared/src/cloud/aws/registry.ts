import { CloudLoginError } from '../cloud-error.ts';
import { askJson, type CloudDoor } from '../exchange.ts';
import type { RegistryCredentials } from '../registry.ts';
import type { Issued } from '../token-cache.ts';
import type { AwsCredentials } from './credentials.ts';
import { signAws } from './sign.ts';
import { awsDomain } from './sts.ts';

const registryForm =
  /^[0-9]{12}\.dkr[.-]ecr(?:-fips)?\.([a-zA-Z0-9][a-zA-Z0-9_-]{0,99})\.(?:amazonaws\.(?:com(?:\.cn)?|eu)|on\.(?:aws|amazonwebservices\.com\.cn)|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$/;
const publicRegistries = ['public.ecr.aws', 'ecr-public.aws.com'];
/** The public registry gives logins there only. */
const publicRegion = 'us-east-1';

/** A registry of AWS. */
export interface EcrRegistry {
  region: string;
  isPublic: boolean;
}

/**
 * Recognises a registry of AWS.
 *
 * @throws CloudLoginError when it is none
 */
export function ecrRegistry(host: string): EcrRegistry {
  if (publicRegistries.includes(host)) return { region: publicRegion, isPublic: true };
  const [, region] = registryForm.exec(host) ?? [];
  if (region !== undefined) return { region, isPublic: false };
  throw new CloudLoginError(
    `'${host}' is no registry of AWS: name <account>.dkr.ecr.<region>.amazonaws.com, or use the provider generic`,
  );
}

/**
 * Gets a login for a registry of AWS.
 *
 * @throws CloudLoginError
 * @see https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
 */
export async function ecrLogin(
  { region, isPublic }: EcrRegistry,
  credentials: AwsCredentials,
  door: CloudDoor,
): Promise<Issued<RegistryCredentials>> {
  const service = isPublic ? 'ecr-public' : 'ecr';
  const target = isPublic ? 'SpencerFrontendService' : 'AmazonEC2ContainerRegistry_V20150921';
  const url = new URL(`https://api.${service}.${region}.${awsDomain(region)}/`);
  const unsigned = {
    method: 'POST',
    url,
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `${target}.GetAuthorizationToken`,
    },
    body: '{}',
    service,
    region,
  } as const;
  const headers = await signAws(unsigned, credentials, door.clock.now());
  const answer = await askJson(
    { method: 'POST', url: url.href, headers, body: unsigned.body },
    door,
  );
  const { authorizationData: data } = answer;
  const first: unknown = Array.isArray(data) ? data[0] : data;
  const { authorizationToken: token, expiresAt } = (first ?? {}) as Record<string, unknown>;
  const [username, password] = Buffer.from(String(token ?? ''), 'base64')
    .toString()
    .split(':');
  if (!username || !password) {
    throw new CloudLoginError(`${url.host} answered without a login for the registry`);
  }
  return { value: { username, password }, expiresAtMs: Number(expiresAt) * 1000 || 0 };
}
