import { X509Certificate } from 'node:crypto';
import { CloudLoginError } from '../cloud-error.ts';
import type { Issued } from '../token-cache.ts';

/** Where an API server is. */
export interface ClusterEndpoint {
  /** Address without a path or a trailing slash. */
  server: string;
  /** Authorities that its certificate is checked against, in PEM; those of the system without. */
  ca?: string;
}

/** What a cloud says of a cluster: where its API server is, the usual address first. */
export type DescribedCluster = readonly ClusterEndpoint[];

/** Clusters move seldom, and a look-up counts against the limits of the cloud. */
const keptMs = 15 * 60_000;

/** Keeps a description for a while. */
export function described(endpoints: DescribedCluster, now: number): Issued<DescribedCluster> {
  return { value: endpoints, expiresAtMs: now + keptMs };
}

/**
 * The address of an API server: a host with or without scheme and port. What else an address can have is refused: it
 * would be left out, and not be noticed.
 *
 * @param field names where it comes from, for the message
 * @throws CloudLoginError
 */
export function serverOf(text: string, field: string): string {
  const url = URL.parse(/^https?:/i.test(text) ? text : `https://${text}`);
  const isHostAlone = url?.protocol === 'https:' && url.href === `${url.origin}/`;
  if (isHostAlone && url.hostname !== '') return url.origin;
  throw new CloudLoginError(`${field} is no address of an API server: write https://<host>:<port>`);
}

const certificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Checks certificates in PEM.
 *
 * @throws CloudLoginError
 */
export function checkedCa(pem: string, field: string): string {
  const blocks = pem.match(certificate) ?? [];
  try {
    for (const block of blocks) new X509Certificate(block);
    if (blocks.length > 0) return pem;
  } catch {
    // Reported below.
  }
  throw new CloudLoginError(`${field} must hold certificates in PEM: correct it`);
}

/**
 * Takes an endpoint from the answer of a cloud.
 *
 * @param ca certificates in PEM, in base64
 * @throws CloudLoginError when a part is missing
 */
export function endpointIn(server: unknown, ca: unknown, from: string): ClusterEndpoint {
  if (typeof server !== 'string' || typeof ca !== 'string' || server === '') {
    throw new CloudLoginError(`${from} named no address and certificate of the cluster`);
  }
  const pem = Buffer.from(ca, 'base64').toString('utf8');
  return {
    server: serverOf(server, `the address from ${from}`),
    ca: checkedCa(pem, `the CA from ${from}`),
  };
}

/** A part of an answer that is an object; an empty one when it is not there. */
export function partOf(answer: unknown, key: string): Record<string, unknown> {
  const part = (answer as Record<string, unknown> | undefined)?.[key];
  return typeof part === 'object' && part !== null ? (part as Record<string, unknown>) : {};
}
