import type { HelmChart, OCIRepository } from '@sluice/shared/api';
import type { Registry } from '@sluice/testing';
import { request } from 'undici';
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
  const put = await request(url(to), { method: 'PUT', headers: { 'content-type': type }, body });
  await put.body.dump();
  if (found.statusCode !== 200 || put.statusCode >= 300) {
    throw new Error(`${from} to ${to}: ${found.statusCode}, ${put.statusCode}`);
  }
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
