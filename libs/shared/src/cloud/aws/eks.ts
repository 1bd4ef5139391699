import { CloudLoginError } from '../cloud-error.ts';
import { type DescribedCluster, described, endpointIn, partOf } from '../cluster/described.ts';
import { askJson, type CloudDoor } from '../exchange.ts';
import type { Issued } from '../token-cache.ts';
import type { AwsCredentials } from './credentials.ts';
import { presignAws, signAws } from './sign.ts';
import { awsDomain, stsEndpoint } from './sts.ts';

const arnForm =
  /^arn:aws[\w-]*:eks:([a-z0-9-]{1,50}):[0-9]{1,30}:cluster\/([0-9A-Za-z][\w-]{0,199})$/;
/** How long EKS takes a token, whatever its signature says. */
const tokenMs = 15 * 60_000;
const tokenPrefix = 'k8s-aws-v1.';

/** A cluster of AWS. */
export interface EksCluster {
  arn: string;
  region: string;
  name: string;
}

/**
 * Reads the name of a cluster of AWS.
 *
 * @throws CloudLoginError
 */
export function eksCluster(arn: string): EksCluster {
  const [, region, name] = arnForm.exec(arn) ?? [];
  if (region !== undefined && name !== undefined) return { arn, region, name };
  throw new CloudLoginError(
    'cluster is no cluster of AWS: write arn:aws:eks:<region>:<account>:cluster/<name>',
  );
}

/**
 * Asks AWS where a cluster is.
 *
 * @throws CloudLoginError
 * @see https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeCluster.html
 */
export async function describeEks(
  { arn, region, name }: EksCluster,
  credentials: AwsCredentials,
  door: CloudDoor,
): Promise<Issued<DescribedCluster>> {
  const now = door.clock.now();
  const url = new URL(`https://eks.${region}.${awsDomain(region)}/clusters/${name}`);
  const unsigned = { method: 'GET', url, service: 'eks', region } as const;
  const headers = await signAws(unsigned, credentials, now);
  const answer = await askJson({ method: 'GET', url: url.href, headers }, door);
  const cluster = partOf(answer, 'cluster');
  // Only the name is asked for, within the account of the credentials.
  if (cluster['arn'] !== arn) {
    throw new CloudLoginError(
      'cluster names another account than that of the identity: correct it, or use one of that account',
    );
  }
  const { data } = partOf(cluster, 'certificateAuthority');
  return described([endpointIn(cluster['endpoint'], data, url.host)], now);
}

/**
 * Makes a token for a cluster of AWS: a signed request that asks who it is from, which the cluster sends.
 *
 * @see https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html
 */
export async function eksToken(
  { region, name }: EksCluster,
  credentials: AwsCredentials,
  now: number,
): Promise<Issued<string>> {
  const url = new URL(stsEndpoint(region, undefined));
  url.search = 'Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires=900';
  // It works for the cluster of that name alone.
  const headers = { 'x-k8s-aws-id': name };
  const unsigned = { method: 'GET', url, headers, service: 'sts', region } as const;
  const signed = await presignAws(unsigned, credentials, now);
  const value = `${tokenPrefix}${Buffer.from(signed).toString('base64url')}`;
  return { value, expiresAtMs: now + tokenMs };
}
