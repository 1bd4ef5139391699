import type { AwsCredentials } from './credentials.ts';

/** A request to be signed. */
export interface UnsignedRequest {
  method: string;
  url: URL;
  headers?: Record<string, string>;
  body?: string;
  service: string;
  region: string;
}

/**
 * Signs a request with version 4 of AWS's signatures; the library is loaded by the first one.
 *
 * @param now the time of the signature
 * @returns all headers of the request
 */
export async function signAws(
  { method, url, headers = {}, body, service, region }: UnsignedRequest,
  credentials: AwsCredentials,
  now: number,
): Promise<Record<string, string>> {
  const { AwsV4Signer } = await import('aws4fetch');
  const signer = new AwsV4Signer({
    method,
    url: url.href,
    headers,
    ...(body !== undefined && { body }),
    ...credentials,
    service,
    region,
    datetime: new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, ''),
  });
  const signed = await signer.sign();
  const all = Object.fromEntries(signed.headers.entries());
  // The connection writes it.
  delete all['host'];
  return all;
}
