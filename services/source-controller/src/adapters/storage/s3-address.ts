const amazonForm =
  /^s3[.-](?:(?:dualstack|accesspoint|fips)\.)?(?:([a-z]{2}(?:-[a-z]+)+-\d)\.)?amazonaws\.com(?:\.cn)?$/;
const virtualHosts = [
  /(?:^|\.)amazonaws\.com(?:\.cn)?$/,
  /^storage\.googleapis\.com$/,
  /(?:^|\.)aliyuncs\.com$/,
];
/** A name that can be a part of a host name. */
const hostBucket = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;

/** Where a bucket is. */
export interface S3Address {
  /** Address of the bucket, without a slash at its end. */
  base: URL;
  region: string;
  /** Whether the region is a guess, which the storage may correct. */
  isGuess: boolean;
}

const defaultRegion = 'us-east-1';

/**
 * Says where a bucket of an S3-compatible storage is: under a host name of its own at those which are known to have
 * them, else below a path.
 *
 * @param endpoint host, with its port if it has one
 */
export function s3Address(o: {
  endpoint: string;
  bucket: string;
  region?: string;
  insecure: boolean;
}): S3Address {
  const scheme = o.insecure ? 'http' : 'https';
  const endpoint = new URL(`${scheme}://${o.endpoint}`);
  const [isAmazon, named] = amazonForm.exec(endpoint.hostname) ?? [];
  const region = o.region || named || defaultRegion;
  // The host without a region is that of one region only.
  if (isAmazon && named === undefined && region !== defaultRegion) {
    const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
    endpoint.hostname = `s3.${region}.${domain}`;
  }
  const isVirtual =
    virtualHosts.some((form) => form.test(endpoint.hostname)) && hostBucket.test(o.bucket);
  if (isVirtual) endpoint.hostname = `${o.bucket}.${endpoint.hostname}`;
  else endpoint.pathname = `/${encodeKey(o.bucket)}`;
  return { base: endpoint, region, isGuess: !o.region && named === undefined };
}

/** Writes a key as a path: what has a meaning there is encoded, slashes stay. */
export function encodeKey(key: string): string {
  const encode = (character: string) =>
    `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  return encodeURIComponent(key)
    .replace(/%2F/g, '/')
    .replace(/[!'()*]/g, encode);
}
