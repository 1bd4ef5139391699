import { createHash, createHmac } from 'node:crypto';
import { CloudLoginError } from '../cloud-error.ts';
import type { AwsCredentials } from './credentials.ts';

const hostForm = /^git-codecommit(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/;

/**
 * The region of a repository of CodeCommit.
 *
 * @throws CloudLoginError when it is none
 */
export function codeCommitRegion(url: URL): string {
  const [, region] = url.protocol === 'https:' ? (hostForm.exec(url.hostname) ?? []) : [];
  if (region !== undefined) return region;
  throw new CloudLoginError(
    "spec.url is no repository of AWS CodeCommit: write https://git-codecommit.<region>.amazonaws.com/v1/repos/<name>, or leave out provider 'aws'",
  );
}

/**
 * Makes the login for a repository of CodeCommit: the password is a signature of its address.
 *
 * @see https://github.com/aws/git-remote-codecommit
 */
export function codeCommitLogin(
  url: URL,
  credentials: AwsCredentials,
  now: number,
): { username: string; password: string } {
  const region = codeCommitRegion(url);
  const time = new Date(now).toISOString().replace(/[:-]|\.\d{3}Z$/g, '');
  const day = time.slice(0, 8);
  const scope = `${day}/${region}/codecommit/aws4_request`;
  const canonical = `GIT\n${url.pathname}\n\nhost:${url.host}\n\nhost\n`;
  const digest = createHash('sha256').update(canonical).digest('hex');
  const sign = (key: string | Buffer, text: string) =>
    createHmac('sha256', key).update(text).digest();
  const key = [region, 'codecommit', 'aws4_request'].reduce(
    sign,
    sign(`AWS4${credentials.secretAccessKey}`, day),
  );
  const signature = sign(key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${digest}`).toString('hex');
  const { accessKeyId, sessionToken } = credentials;
  return {
    username: sessionToken === undefined ? accessKeyId : `${accessKeyId}%${sessionToken}`,
    password: `${time}Z${signature}`,
  };
}
