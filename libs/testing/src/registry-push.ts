import { createHash } from 'node:crypto';
import { request } from 'undici';

export interface ArtifactLayer {
  mediaType: string;
  data: string | Uint8Array;
  annotations?: Record<string, string>;
}

export interface PushOptions {
  repository: string;
  /** Without one the manifest is only reachable by its digest. */
  tag?: string;
  layers: ArtifactLayer[];
  /** `application/vnd.oci.empty.v1+json` when absent. */
  configMediaType?: string;
  /** The config blob's content; `{}` when absent. */
  config?: string | Uint8Array;
  annotations?: Record<string, string>;
  artifactType?: string;
  /** Makes this manifest a referrer of another one, such as a signature. */
  subject?: Descriptor;
}

export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

const manifestMediaType = 'application/vnd.oci.image.manifest.v1+json';

/**
 * Uploads an artifact with the calls of the OCI distribution specification.
 *
 * @param baseUrl the registry, without a path
 * @returns the manifest's descriptor
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push
 */
export async function pushToRegistry(baseUrl: string, options: PushOptions): Promise<Descriptor> {
  const config = Buffer.from(options.config ?? '{}');
  const configDescriptor = await pushBlob(baseUrl, options.repository, {
    mediaType: options.configMediaType ?? 'application/vnd.oci.empty.v1+json',
    data: config,
  });
  const layers: Descriptor[] = [];
  for (const layer of options.layers) {
    layers.push(await pushBlob(baseUrl, options.repository, layer));
  }
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestMediaType,
      artifactType: options.artifactType,
      config: configDescriptor,
      layers,
      subject: options.subject,
      annotations: options.annotations,
    }),
  );
  const descriptor = describe(manifestMediaType, manifest);
  const reference = options.tag ?? descriptor.digest;
  const url = `${baseUrl}/v2/${options.repository}/manifests/${reference}`;
  await send('PUT', url, { 'content-type': manifestMediaType }, manifest);
  return descriptor;
}

async function pushBlob(
  baseUrl: string,
  repository: string,
  layer: ArtifactLayer,
): Promise<Descriptor & { annotations?: Record<string, string> }> {
  const data = Buffer.from(layer.data);
  const descriptor = describe(layer.mediaType, data);
  const location = await send('POST', `${baseUrl}/v2/${repository}/blobs/uploads/`, {});
  const upload = new URL(location, baseUrl);
  upload.searchParams.set('digest', descriptor.digest);
  await send('PUT', upload.href, { 'content-type': 'application/octet-stream' }, data);
  return layer.annotations ? { ...descriptor, annotations: layer.annotations } : descriptor;
}

function describe(mediaType: string, data: Uint8Array): Descriptor {
  const digest = `sha256:${createHash('sha256').update(data).digest('hex')}`;
  return { mediaType, digest, size: data.length };
}

/** Returns the Location header of the answer. */
async function send(
  method: 'POST' | 'PUT',
  url: string,
  headers: Record<string, string>,
  body?: Buffer,
): Promise<string> {
  const reply = await request(url, { method, headers, body: body ?? null });
  const text = await reply.body.text();
  if (reply.statusCode >= 300) throw new Error(`${method} ${url}: ${reply.statusCode} ${text}`);
  return String(reply.headers['location'] ?? '');
}
