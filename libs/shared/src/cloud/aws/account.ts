import { CloudLoginError } from '../cloud-error.ts';
import type { CloudDoor } from '../exchange.ts';
import { type AccountRef, annotationOf } from '../service-account.ts';
import type { Issued } from '../token-cache.ts';
import type { AwsCredentials } from './credentials.ts';
import { assumeRole, stsEndpoint } from './sts.ts';

/** For whom tokens of ServiceAccounts are made that AWS takes. */
export const awsAudience = 'sts.amazonaws.com';

/** Name of a role. */
export const roleForm = /^arn:aws[\w-]*:iam::[0-9]{1,30}:role\/.{1,200}$/;
/** Longest name of a session. */
const maxSession = 64;

/**
 * The role that a ServiceAccount stands for.
 *
 * @throws CloudLoginError
 */
export function roleOf(annotations: Record<string, string>): string {
  return annotationOf(annotations, 'eks.amazonaws.com/role-arn', roleForm);
}

/**
 * Logs in to AWS as a ServiceAccount.
 *
 * @throws CloudLoginError
 */
export function awsAccountLogin(
  o: { account: AccountRef; role: string; token: string; region?: string; endpoint?: string },
  door: CloudDoor,
): Promise<Issued<AwsCredentials>> {
  const { account, role, token, region } = o;
  if (!region) {
    throw new CloudLoginError(
      'an AWS region is needed to log in as a service account: set spec.region',
    );
  }
  const session = `${account.name}.${account.namespace}.${region}.fluxcd.io`.slice(0, maxSession);
  const endpoint = stsEndpoint(region, o.endpoint);
  return assumeRole({ endpoint, role, session, token }, door);
}
