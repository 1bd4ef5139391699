import { CloudLoginError } from '../cloud-error.ts';
import { ask, type CloudDoor, formOf, formType } from '../exchange.ts';
import type { Issued } from '../token-cache.ts';
import { childOf, parseXml, textOf, XmlError, type XmlNode } from '../xml.ts';
import { type AwsCredentials, issuedCredentials } from './credentials.ts';
import { signAws } from './sign.ts';

const version = '2011-06-15';
/** Of a region, of none, or an interface of a VPC. */
const hostForm =
  /^(?:vpce-[a-z0-9-]+\.)?sts(?:-fips)?(?:\.[a-z]{2}(?:-[a-z]+)+-\d+)?(?:\.vpce)?\.amazonaws\.com(?:\.cn)?$/;
const regionForm = /^[a-z0-9-]{1,50}$/;

/**
 * The address of AWS's token service.
 *
 * @param given of the object: a regional one, or an interface of a VPC
 * @throws CloudLoginError when it is not one of AWS, or the region is none
 */
export function stsEndpoint(region: string, given: string | undefined): string {
  if (!regionForm.test(region)) {
    throw new CloudLoginError(`the AWS region '${region.slice(0, 50)}' is none: correct it`);
  }
  if (given === undefined) return `https://sts.${region}.${awsDomain(region)}`;
  const url = URL.parse(given);
  // Whoever is asked gets the token: the whole address has to be the host alone.
  const isHostAlone = url?.protocol === 'https:' && url.href === `${url.origin}/`;
  if (isHostAlone && url.port === '' && hostForm.test(url.hostname)) return url.origin;
  throw new CloudLoginError(
    'spec.sts.endpoint is no token service of AWS: write https://sts.<region>.amazonaws.com, or the interface of a VPC',
  );
}

/** Domain of AWS's services in a region. */
export function awsDomain(region: string): string {
  return region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
}

/**
 * Exchanges a token of a ServiceAccount for credentials of a role.
 *
 * @throws CloudLoginError
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
 */
export async function assumeRole(
  o: { endpoint: string; role: string; session: string; token: string },
  door: CloudDoor,
): Promise<Issued<AwsCredentials>> {
  const body = formOf({
    Action: 'AssumeRoleWithWebIdentity',
    RoleArn: o.role,
    RoleSessionName: o.session,
    Version: version,
    WebIdentityToken: o.token,
  });
  return credentialsFrom(o.endpoint, { body, secrets: [o.token] }, door);
}

/**
 * Takes on a role with credentials that there are.
 *
 * @throws CloudLoginError
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 */
export async function takeRole(
  o: { region: string; role: string; session: string; credentials: AwsCredentials },
  door: CloudDoor,
): Promise<Issued<AwsCredentials>> {
  const { region, role, session, credentials } = o;
  const endpoint = stsEndpoint(region, undefined);
  const body = formOf({
    Action: 'AssumeRole',
    RoleArn: role,
    RoleSessionName: session,
    Version: version,
  });
  const request = { method: 'POST', url: new URL(endpoint), headers: { 'content-type': formType } };
  const headers = await signAws(
    { ...request, body, service: 'sts', region },
    credentials,
    door.clock.now(),
  );
  return credentialsFrom(endpoint, { headers, body, secrets: [] }, door);
}

/**
 * Exchanges a user and a password of LDAP for credentials, as MinIO and what is compatible with it do.
 *
 * @throws CloudLoginError
 * @see https://github.com/minio/minio/blob/master/docs/sts/ldap.md
 */
export async function ldapLogin(
  o: { endpoint: string; username: string; password: string },
  door: CloudDoor,
): Promise<Issued<AwsCredentials>> {
  const body = formOf({
    Action: 'AssumeRoleWithLDAPIdentity',
    Version: version,
    LDAPUsername: o.username,
    LDAPPassword: o.password,
  });
  return credentialsFrom(o.endpoint, { body, secrets: [o.password] }, door);
}

async function credentialsFrom(
  endpoint: string,
  o: { headers?: Record<string, string>; body: string; secrets: string[] },
  door: CloudDoor,
): Promise<Issued<AwsCredentials>> {
  const url = new URL(endpoint);
  const headers = { 'content-type': formType };
  const text = await ask({ method: 'POST', url: url.href, headers, ...o }, door);
  const found = credentialsIn(text);
  const values = Object.fromEntries((found?.children ?? []).map(({ name, text }) => [name, text]));
  return issuedCredentials(values, url.host);
}

/** They are in the result, whose name is that of the action. */
function credentialsIn(text: string): XmlNode | undefined {
  try {
    const root = parseXml(text);
    return root.children
      .map((result) => childOf(result, 'Credentials'))
      .find((credentials) => textOf(credentials, 'AccessKeyId') !== '');
  } catch (error) {
    if (error instanceof XmlError) return undefined;
    throw error;
  }
}
