import { fetchBlob } from '../adapters/registry/blob.ts';
import type { RegistryClient } from '../adapters/registry/client.ts';
import {
  type Descriptor,
  fetchManifest,
  fetchTagged,
  type Layer,
  ManifestError,
} from '../adapters/registry/manifest.ts';
import { listReferrers, type Referrer, tagOfDigest } from '../adapters/registry/referrers.ts';

/** A signature as cosign stores it in a registry; plain data, so that a thread can check it. */
export type CosignSignature = SigstoreBundle | SimpleSignature;

/** A document of Sigstore that holds a signed statement, and what vouches for the signer. */
export interface SigstoreBundle {
  format: 'bundle';
  json: string;
}

/** A layer of the tag `sha256-<digits>.sig`: what was signed, with the signature beside it. */
export interface SimpleSignature {
  format: 'simple';
  payload: Uint8Array;
  /** Base64. */
  signature: string;
  /** PEM text of the signer's certificate. */
  certificate?: string;
  /** JSON of the entry in the transparency log. */
  logEntry?: string;
  /** JSON of the time stamp. */
  timestamp?: string;
}

/** Whoever may write to a repository may add signatures: so many are looked at. */
export const maxSignatures = 20;
const maxSignatureBytes = 1024 * 1024;

const bundleType = 'application/vnd.dev.sigstore.bundle';
const simpleSigningType = 'application/vnd.dev.cosign.simplesigning.v1+json';
const annotations = {
  signature: 'dev.cosignproject.cosign/signature',
  certificate: 'dev.sigstore.cosign/certificate',
  logEntry: 'dev.sigstore.cosign/bundle',
  timestamp: 'dev.sigstore.cosign/rfc3161timestamp',
};

/**
 * Finds the bundles that refer to a digest, as cosign has them since version 3.
 *
 * @throws HttpError, RegistryAuthError, ManifestError when the registry does not give them
 */
export async function findBundles(
  client: RegistryClient,
  digest: string,
): Promise<SigstoreBundle[]> {
  const referrers = await listReferrers(client, digest);
  // Lists that clients keep in a tag may leave the type out.
  const isWanted = (type: string) => type === '' || type.startsWith(bundleType);
  const found = await fetchSignatures(client, ofType(referrers, isWanted), (layers) =>
    layers.find(({ mediaType }) => mediaType.startsWith(bundleType)),
  );
  return found.map(({ content }) => ({ format: 'bundle', json: content.toString('utf8') }));
}

/**
 * Downloads the signatures in manifests. What is no signature, or broken, is left out: anybody who may write to the
 * repository can put it there.
 *
 * @param choose the layer that holds the signature, if any does
 * @throws HttpError, RegistryAuthError when the registry does not give them
 */
export async function fetchSignatures(
  client: RegistryClient,
  manifests: readonly Descriptor[],
  choose: (layers: readonly Layer[]) => Layer | undefined,
): Promise<{ mediaType: string; content: Buffer }[]> {
  const found: { mediaType: string; content: Buffer }[] = [];
  for (const { digest } of manifests) {
    try {
      const layer = choose((await fetchManifest(client, digest)).layers);
      if (layer === undefined) continue;
      found.push({ mediaType: layer.mediaType, content: await fetchSmallBlob(client, layer) });
    } catch (error) {
      if (!(error instanceof ManifestError)) throw error;
    }
  }
  return found;
}

/**
 * Finds the signatures in the tag that cosign makes from a digest.
 *
 * @throws as {@link findBundles}
 */
export async function findSimpleSignatures(
  client: RegistryClient,
  digest: string,
): Promise<SimpleSignature[]> {
  const manifest = await fetchTagged(client, `${tagOfDigest(digest)}.sig`);
  const layers = (manifest?.layers ?? []).filter(
    ({ mediaType, annotations: facts }) =>
      mediaType === simpleSigningType && facts[annotations.signature] !== undefined,
  );
  const signatures: SimpleSignature[] = [];
  for (const layer of layers.slice(0, maxSignatures)) {
    signatures.push(toSimpleSignature(layer, await fetchSmallBlob(client, layer)));
  }
  return signatures;
}

/** Takes the first of some types, of which there may be any number. */
export function ofType(
  referrers: readonly Referrer[],
  isWanted: (artifactType: string) => boolean,
): Referrer[] {
  return referrers.filter(({ artifactType }) => isWanted(artifactType)).slice(0, maxSignatures);
}

/** @throws ManifestError when it is larger than any signature is, or not what the digest says */
async function fetchSmallBlob(client: RegistryClient, blob: Descriptor): Promise<Buffer> {
  // It never gets as large as what goes into a file.
  const options = { memoryBytes: maxSignatureBytes, path: '', maxBytes: maxSignatureBytes };
  return (await fetchBlob(client, blob, options)) as Buffer;
}

function toSimpleSignature({ annotations: facts }: Layer, payload: Buffer): SimpleSignature {
  return {
    format: 'simple',
    payload,
    signature: facts[annotations.signature] ?? '',
    certificate: facts[annotations.certificate],
    logEntry: facts[annotations.logEntry],
    timestamp: facts[annotations.timestamp],
  };
}
