import type { Endpoint } from '../adapters/endpoint.ts';
import type { ObjectStorage } from '../adapters/storage/object-storage.ts';
import { exposureOf } from '../source/cloud.ts';
import { proxyFrom, readSecret, tlsFrom } from '../source/secrets.ts';
import type { TimeLimit } from '../source/time-limit.ts';
import type { BucketContext, BucketDeps } from './deps.ts';
import type { Opening } from './opening.ts';

/**
 * Prepares the connection to a bucket, with the login, TLS material and proxy of its Secrets.
 *
 * @throws RetryableError `AuthenticationFailed` when a Secret is missing or incomplete; CloudLoginError
 */
export async function connect(
  context: BucketContext,
  deps: BucketDeps,
  limit: TimeLimit,
): Promise<ObjectStorage> {
  const { client, object, clock } = context;
  const { namespace } = object.metadata;
  const { secretRef, certSecretRef, proxySecretRef, provider } = object.spec;
  const read = (ref: { name: string } | undefined, field: string) =>
    ref && readSecret(client, { namespace, name: ref.name }, field);
  const [secret, cert, proxySecret] = await Promise.all([
    read(secretRef, 'spec.secretRef'),
    read(certSecretRef, 'spec.certSecretRef'),
    read(proxySecretRef, 'spec.proxySecretRef'),
  ]);
  const tls = cert && tlsFrom(cert);
  const path: Endpoint = proxySecret ? { proxy: proxyFrom(proxySecret) } : {};
  const dispatcher = deps.endpoints.dispatcherFor(
    { ...path, ...(tls && { tls }) },
    namespace ?? '',
  );
  const opening: Opening = {
    context,
    deps,
    ...(secret && { secret }),
    door: { dispatcher, signal: limit.signal, clock },
    path: { endpoints: deps.endpoints, endpoint: path, signal: limit.signal },
    exposedBy: exposureOf(tls ? { tls } : {}),
  };
  // Each is loaded when a Bucket needs it.
  if (provider === 'azure') return (await import('./open-azure.ts')).openAzure(opening);
  if (provider === 'gcp') return (await import('./open-google.ts')).openGoogle(opening);
  return (await import('./open-s3.ts')).openS3(opening);
}
