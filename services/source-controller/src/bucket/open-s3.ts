import { RetryableError } from '@sluice/shared/base';
import { type AwsCredentials, ldapLogin } from '@sluice/shared/cloud';
import type { ObjectStorage } from '../adapters/storage/object-storage.ts';
import { S3Storage } from '../adapters/storage/s3.ts';
import { callerOf } from '../source/cloud.ts';
import { authenticationFailedReason } from '../source/names.ts';
import { readSecret, type SecretData, tlsFrom } from '../source/secrets.ts';
import { bucketCaller, type Opening } from './opening.ts';

/** Opens a bucket of S3, or of what is compatible with it. */
export async function openS3(opening: Opening): Promise<ObjectStorage> {
  const { endpoint, bucketName: bucket, region, insecure = false } = opening.context.object.spec;
  const credentials = await credentialsOf(opening);
  return new S3Storage({
    ...opening.door,
    endpoint,
    bucket,
    insecure,
    ...(region !== undefined && { region }),
    ...(credentials !== undefined && { credentials }),
  });
}

async function credentialsOf(opening: Opening): Promise<AwsCredentials | undefined> {
  const { context, deps, secret } = opening;
  const { provider, region, sts } = context.object.spec;
  if (secret !== undefined) return keysIn(secret);
  if (provider === 'aws') {
    // Requests are signed: no secret goes to the storage.
    return deps.identities.aws(bucketCaller({ ...opening, exposedBy: undefined }), {
      ...(region && { region }),
      ...(sts && { endpoint: sts.endpoint }),
    });
  }
  return sts === undefined ? undefined : ldapCredentials(opening, sts);
}

/** @throws RetryableError `AuthenticationFailed` */
function keysIn({ id, values }: SecretData): AwsCredentials {
  const { accesskey: accessKeyId, secretkey: secretAccessKey } = values;
  if (accessKeyId && secretAccessKey) {
    return { accessKeyId: accessKeyId.trim(), secretAccessKey: secretAccessKey.trim() };
  }
  throw new RetryableError(
    authenticationFailedReason,
    `secret '${id}' must hold accesskey and secretkey`,
  );
}

async function ldapCredentials(
  { context, deps, path }: Opening,
  sts: NonNullable<Opening['context']['object']['spec']['sts']>,
): Promise<AwsCredentials> {
  const { client, object } = context;
  const { namespace = '' } = object.metadata;
  const read = (ref: { name: string } | undefined, field: string) =>
    ref && readSecret(client, { namespace, name: ref.name }, field);
  const [secret, cert] = await Promise.all([
    read(sts.secretRef, 'spec.sts.secretRef'),
    read(sts.certSecretRef, 'spec.sts.certSecretRef'),
  ]);
  const { username, password } = secret?.values ?? {};
  if (secret && (!username || !password)) {
    throw new RetryableError(
      authenticationFailedReason,
      `secret '${secret.id}' must hold username and password for the token service`,
    );
  }
  const tls = cert && tlsFrom(cert);
  const endpoint = { ...path.endpoint, ...(tls && { tls }) };
  const login = { endpoint: sts.endpoint, username: username ?? '', password: password ?? '' };
  const caller = callerOf(context, { ...path, endpoint }, {});
  const key = ['ldap', namespace, login.endpoint, login.username, login.password];
  return deps.identities.issued(caller, key, (door) => ldapLogin(login, door));
}
