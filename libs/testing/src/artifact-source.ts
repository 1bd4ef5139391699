import { join } from 'node:path';
import { type Artifact, externalArtifactKind, type KubeObject } from '@sluice/shared/api';
import { ArtifactStore, packArtifact, serveArtifacts } from '@sluice/shared/artifact';
import { silentLogger } from '@sluice/shared/base';
import { isNotFound, type KubeClient, resourceOf } from '@sluice/shared/kube';

const externalArtifacts = resourceOf(externalArtifactKind);

/** A file of an artifact; it can be run only where that is said. */
export type ArtifactFile = string | Buffer | { content: string; executable: boolean };

/** ExternalArtifacts whose content a test writes. */
export interface ArtifactSource {
  /** Publishes files as a new revision of a source, which is made if needed. */
  publish(
    files: Record<string, ArtifactFile>,
    o?: { revision?: string; name?: string },
  ): Promise<Artifact>;
  stop(): Promise<void>;
}

function entriesOf(files: Record<string, ArtifactFile>) {
  return Object.entries(files).map(([path, file]) => {
    const isPlain = typeof file === 'string' || Buffer.isBuffer(file);
    const { content, executable } = isPlain ? { content: file, executable: false } : file;
    return { path, executable, read: async () => Buffer.from(content) };
  });
}

async function ensureSource(client: KubeClient, key: { namespace: string; name: string }) {
  try {
    await client.get(externalArtifacts, key);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await client.create(externalArtifacts, {
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind: 'ExternalArtifact',
      metadata: key,
      spec: {},
    } as KubeObject);
  }
}

/**
 * Starts a server of artifacts.
 *
 * @param o.namespace of the sources
 * @param o.dir for the artifacts
 * @param o.host where they are served; 127.0.0.1 unless told
 */
export async function startArtifactSource(o: {
  client: KubeClient;
  namespace: string;
  dir: string;
  host?: string;
}): Promise<ArtifactSource> {
  const { client, namespace, dir, host = '127.0.0.1' } = o;
  const store = new ArtifactStore({
    dir: join(dir, 'store'),
    advertisedAddress: 'placeholder',
    retentionTtlMs: 600_000,
    retentionRecords: 100,
    digestAlgorithm: 'sha256',
  });
  const server = await serveArtifacts(store, { host, port: 0, logger: silentLogger });
  return {
    async publish(files, { revision = 'v1', name = 'source' } = {}) {
      const key = { namespace, name };
      const fileName = `${revision.replaceAll(/[^a-z0-9]/g, '-')}.tar.gz`;
      const place = await store.place('ExternalArtifact', key, fileName);
      const packed = await packArtifact(entriesOf(files), place.temporary);
      const artifact = await store.commit(place, { ...packed, revision });
      const url = `http://${host}:${server.port}/${artifact.path}`;
      await ensureSource(client, key);
      const status = { artifact: { ...artifact, url } };
      const options = { type: 'merge', subresource: 'status' } as const;
      await client.patch(externalArtifacts, key, { status }, options);
      return status.artifact;
    },
    stop: () => server.close(),
  };
}
