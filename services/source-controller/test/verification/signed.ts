import type { HelmChart, OCIRepository } from '@sluice/shared/api';
import type { Registry } from '@sluice/testing';
import { request } from 'undici';
import type { CosignSignature } from '../../src/verification/cosign-signatures.ts';
import { tarGz } from '../archives.ts';
import { conditionOf } from '../source-bed.ts';

const layerType = 'application/vnd.cncf.flux.content.v1.tar+gzip';
const indexType = 'application/vnd.oci.image.index.v1+json';
const manifestType = 'application/vnd.oci.image.manifest.v1+json';

/** Content in a registry that can be signed. */
export interface Content {
  /** Path of the repository, and the tag. */
  repository: string;
  tag: string;
  digest: string;
  /** `<host>/<repository>@<digest>`. */
  reference: string;
}

/** Pushes an artifact with one file. */
export async function pushContent(
  registry: Registry,
  repository: string,
  text: string,
  tag = 'latest',
): Promise<Content> {
  const layers = [{ mediaType: layerType, data: tarGz([{ path: 'a.yaml', content: text }]) }];
  const digest = await registry.pushArtifact({ repository, tag, layers });
  return { repository, tag, digest, reference: `${registry.host}/${repository}@${digest}` };
}

/** The spec of an OCIRepository of some content. */
export function specOf(registry: Registry, { repository, tag }: Content) {
  return { url: `${registry.ociUrl}/${repository}`, insecure: true, ref: { tag } };
}

/** Shows what was stored for one digest as that of another. */
export async function copyTag(
  registry: Registry,
  repository: string,
  from: string,
  to: string,
): Promise<void> {
  const url = (tag: string) => `http://${registry.host}/v2/${repository}/manifests/${tag}`;
  const accept = [indexType, manifestType].join(', ');
  const found = await request(url(from), { headers: { accept } });
  const body = Buffer.from(await found.body.arrayBuffer());
  const type = String(found.headers['content-type']);
  if (found.statusCode !== 200) throw new Error(`${from}: ${found.statusCode}`);
  await putManifest(url(to), type, body);
}

async function putManifest(url: string, type: string, body: string | Buffer): Promise<void> {
  const put = await request(url, { method: 'PUT', headers: { 'content-type': type }, body });
  await put.body.dump();
  if (put.statusCode >= 300) throw new Error(`${url}: ${put.statusCode}`);
}

/** Stores a signature beside some content, where cosign stores it. */
export async function pushSignature(
  registry: Registry,
  content: Content,
  signature: CosignSignature,
): Promise<void> {
  const { repository } = content;
  if (signature.format === 'bundle') {
    const artifactType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
    const layers = [{ mediaType: artifactType, data: signature.json }];
    const referrer = await registry.push({ repository, layers, artifactType });
    const manifests = [{ ...referrer, artifactType }];
    const url = `http://${registry.host}/v2/${repository}/manifests/${tagOf(content)}`;
    const index = { schemaVersion: 2, mediaType: indexType, manifests };
    await putManifest(url, indexType, JSON.stringify(index));
    return;
  }
  const facts = {
    'dev.cosignproject.cosign/signature': signature.signature,
    'dev.sigstore.cosign/certificate': signature.certificate,
    'dev.sigstore.cosign/bundle': signature.logEntry,
  };
  const known = Object.entries(facts).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  const mediaType = 'application/vnd.dev.cosign.simplesigning.v1+json';
  const layer = { mediaType, data: signature.payload, annotations: Object.fromEntries(known) };
  await registry.pushArtifact({ repository, tag: `${tagOf(content)}.sig`, layers: [layer] });
}

/** The manifest of a tag. */
export async function manifestOf(registry: Registry, repository: string, tag: string) {
  const url = `http://${registry.host}/v2/${repository}/manifests/${tag}`;
  const found = await request(url, { headers: { accept: [indexType, manifestType].join(', ') } });
  return (await found.body.json()) as {
    layers: { digest: string; mediaType: string; annotations: Record<string, string> }[];
  };
}

/** The tag that stands for a digest. */
export function tagOf({ digest }: Pick<Content, 'digest'>): string {
  return digest.replace(':', '-');
}

/** What the status says about the signature. */
export function verifiedOf(object: OCIRepository | HelmChart) {
  const { status, reason, message } = conditionOf(object, 'SourceVerified') ?? {};
  return { status, reason, message };
}
