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
  request: UnsignedRequest,
  credentials: AwsCredentials,
  now: number,
): Promise<Record<string, string>> {
  const signed = await (await signerOf(request, credentials, now)).sign();
  const all = Object.fromEntries(signed.headers.entries());
  // The connection writes it.
  delete all['host'];
  return all;
}

/**
 * As {@link signAws}, with the signature in the address, for others to send the request.
 *
 * @returns the address
 */
export async function presignAws(
  request: UnsignedRequest,
  credentials: AwsCredentials,
  now: number,
): Promise<string> {
  const signer = await signerOf(request, credentials, now, { signQuery: true });
  return (await signer.sign()).url.href;
}

async function signerOf(
  { method, url, headers = {}, body, service, region }: UnsignedRequest,
  credentials: AwsCredentials,
  now: number,
  more: { signQuery?: boolean } = {},
) {
  const { AwsV4Signer } = await import('aws4fetch');
  return new AwsV4Signer({
    method,
    url: url.href,
    headers,
    ...(body !== undefined && { body }),
    ...credentials,
    service,
    region,
    datetime: new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, ''),
    ...more,
  });
}
