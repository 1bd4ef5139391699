import type { Provider } from '@sluice/shared/api';
import { maxDelayMs, parseDuration } from '@sluice/shared/base';
import { isProxyAddress, proxyForms } from '@sluice/shared/net';
import type { Endpoint, ProviderType } from './adapter.ts';
import { checkAddress } from './address.ts';
import { UnusableProviderError } from './delivery-error.ts';
import { headersIn } from './headers.ts';
import type { SecretData, SecretReader } from './secrets.ts';
import { writesCommitStatus } from './type-groups.ts';

const defaultTimeoutMs = 15_000;

/**
 * Puts together a Provider and the Secrets it names.
 *
 * @throws UnusableProviderError that names the field to correct; SecretUnavailableError
 */
export async function endpointOf(provider: Provider, read: SecretReader): Promise<Endpoint> {
  const { spec, metadata } = provider;
  const readRef = (ref?: { name: string }): Promise<SecretData> | SecretData =>
    ref ? read(metadata.namespace ?? '', ref.name) : {};
  const secret = await readRef(spec.secretRef);
  return {
    type: spec.type,
    address: checkAddress(spec.type, secret['address'] ?? spec.address ?? ''),
    channel: spec.channel ?? '',
    username: secret['username'] ?? spec.username ?? '',
    password: secret['password'] ?? '',
    token: (secret['token'] ?? '').trim(),
    headers: headers(secret['headers']),
    secret,
    ...(spec.serviceAccountName && { serviceAccountName: spec.serviceAccountName }),
    uid: metadata.uid ?? '',
    timeoutMs: spec.timeout ? Math.min(parseDuration(spec.timeout), maxDelayMs) : defaultTimeoutMs,
    proxy: spec.proxySecretRef
      ? proxyOf(await readRef(spec.proxySecretRef))
      : checkProxy((secret['proxy'] ?? spec.proxy ?? '').trim(), 'the proxy address'),
    tls: spec.certSecretRef
      ? tlsOf(await readRef(spec.certSecretRef), 'the Secret of spec.certSecretRef')
      : ownTls(spec.type, secret),
  };
}

/** Names of headers are the same in any case. */
function headers(yaml: string | undefined): Record<string, string> {
  const named = Object.entries(headersIn(yaml));
  return Object.fromEntries(named.map(([name, value]) => [name.toLowerCase(), value]));
}

function proxyOf(secret: SecretData): string | undefined {
  const where = "the key 'address' of the Secret of spec.proxySecretRef";
  const text = secret['address']?.trim();
  if (!text) throw new UnusableProviderError(`${where} is missing: name the proxy`);
  const url = new URL(checkProxy(text, where) as string);
  if (secret['username']) url.username = encodeURIComponent(secret['username']);
  if (secret['password']) url.password = encodeURIComponent(secret['password']);
  return url.href;
}

function checkProxy(text: string, where: string): string | undefined {
  if (text === '') return undefined;
  if (!isProxyAddress(text)) {
    throw new UnusableProviderError(`${where} is not the address of a proxy: write ${proxyForms}`);
  }
  return text;
}

/** Types for repositories take their certificate authority from the Secret with the token, too. */
function ownTls(type: ProviderType, secret: SecretData): Endpoint['tls'] {
  const isGiven = ['ca.crt', 'tls.crt', 'tls.key'].some((key) => secret[key]);
  if (!isGiven || !writesCommitStatus(type)) return undefined;
  return tlsOf(secret, 'the Secret of spec.secretRef');
}

function tlsOf(secret: SecretData, where: string): Endpoint['tls'] {
  const ca = secret['ca.crt'] ?? secret['caFile'];
  const cert = secret['tls.crt'] ?? secret['certFile'];
  const key = secret['tls.key'] ?? secret['keyFile'];
  if (!ca && !cert && !key) {
    throw new UnusableProviderError(
      `${where} has neither 'ca.crt' nor 'tls.crt' and 'tls.key': add them`,
    );
  }
  if (Boolean(cert) !== Boolean(key)) {
    throw new UnusableProviderError(
      `${where} has ${cert ? "'tls.crt' without 'tls.key'" : "'tls.key' without 'tls.crt'"}: add the other`,
    );
  }
  return { ca, cert, key };
}
