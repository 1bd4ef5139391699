import { CloudLoginError } from '../cloud-error.ts';
import { type ControllerDoors, fileText } from '../controller-doors.ts';
import type { CloudEnvironment } from '../environment.ts';
import { ask, askJson, type CloudDoor } from '../exchange.ts';
import type { Issued } from '../token-cache.ts';
import { type AwsCredentials, issuedCredentials } from './credentials.ts';
import { assumeRole, stsEndpoint } from './sts.ts';

const containerHost = 'http://169.254.170.2';
const metadataHost = 'http://169.254.169.254';
const metadataSeconds = '21600';

/**
 * Logs in to AWS as the controller: with keys of the environment, the role of its ServiceAccount (IRSA), what EKS Pod
 * Identity gives, or as the machine.
 *
 * @throws CloudLoginError
 */
export async function awsControllerLogin(
  { environment: env, door, local }: ControllerDoors,
  o: { region?: string; endpoint?: string },
): Promise<Issued<AwsCredentials>> {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (accessKeyId && secretAccessKey) {
    const { AWS_SESSION_TOKEN: sessionToken } = env;
    const value = { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) };
    return { value, expiresAtMs: Number.POSITIVE_INFINITY };
  }
  const { AWS_ROLE_ARN: role, AWS_WEB_IDENTITY_TOKEN_FILE: file } = env;
  if (role && file) {
    const region = o.region ?? env.AWS_REGION;
    if (!region) {
      throw new CloudLoginError(
        'AWS_REGION is not set, and the object names no region: set one of them',
      );
    }
    const endpoint = stsEndpoint(region, o.endpoint);
    const session = env.AWS_ROLE_SESSION_NAME ?? 'sluice';
    return assumeRole({ endpoint, role, session, token: await fileText(file) }, door);
  }
  const container = containerAddress(env);
  if (container !== undefined) {
    const token = await containerToken(env);
    const headers: Record<string, string> = token === undefined ? {} : { authorization: token };
    const request = { method: 'GET', url: container, headers, secrets: [token ?? ''] } as const;
    return issuedCredentials(await askJson(request, local), 'the identity of the pod');
  }
  if (env.AWS_EC2_METADATA_DISABLED === 'true') {
    throw new CloudLoginError(
      'the controller has no identity in AWS: give its service account a role, or name a Secret',
    );
  }
  return machineLogin(env.AWS_EC2_METADATA_SERVICE_ENDPOINT ?? metadataHost, local);
}

function containerAddress(env: CloudEnvironment): string | undefined {
  const { AWS_CONTAINER_CREDENTIALS_FULL_URI: full, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: path } =
    env;
  return full ?? (path === undefined ? undefined : new URL(path, containerHost).href);
}

async function containerToken(env: CloudEnvironment): Promise<string | undefined> {
  const { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file } = env;
  return file ? fileText(file) : env.AWS_CONTAINER_AUTHORIZATION_TOKEN;
}

/** @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html */
async function machineLogin(host: string, local: CloudDoor): Promise<Issued<AwsCredentials>> {
  const base = `${host.replace(/\/+$/, '')}/latest`;
  const ttl = { 'x-aws-ec2-metadata-token-ttl-seconds': metadataSeconds };
  const token = await ask({ method: 'PUT', url: `${base}/api/token`, headers: ttl }, local);
  const headers = { 'x-aws-ec2-metadata-token': token };
  const roles = `${base}/meta-data/iam/security-credentials/`;
  const list = await ask({ method: 'GET', url: roles, headers, secrets: [token] }, local);
  const [role = ''] = list.trim().split('\n');
  const url = `${roles}${encodeURIComponent(role)}`;
  const answer = await askJson({ method: 'GET', url, headers, secrets: [token] }, local);
  return issuedCredentials(answer, 'the identity of the machine');
}
