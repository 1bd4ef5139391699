import { spawnSync } from 'node:child_process';
import { gunzipSync } from 'node:zlib';
import type { KubeObject } from '@sluice/shared/api';
import { systemClock } from '@sluice/shared/base';
import { createHelmRenderer, createKustomize, type Kustomize } from '@sluice/shared/cli';
import { coreResources, type KubeClient } from '@sluice/shared/kube';
import {
  localNetwork,
  temporaryFolder,
  testCluster,
  testNamespace,
  toolPath,
} from '@sluice/testing';
import type { Release } from '../../src/release/release.ts';
import { createDiscovery } from '../../src/render/discovery.ts';
import { createRemoteSchemas } from '../../src/render/remote-schemas.ts';
import { createRenderer, type Renderer, type RenderRequest } from '../../src/render/renderer.ts';

/** A renderer with all that it needs, and the real thing to compare with. */
export interface RenderBed {
  dir: string;
  client: KubeClient;
  namespace: string;
  renderer: Renderer;
  kustomize: Kustomize;
  /** A rendering of an installation; the fields given replace those of the default. */
  install(chartPath: string, more?: Partial<RenderRequest>): Promise<Release>;
  /** Runs helm as a person would; throws what it wrote to standard error. */
  helm(args: string[], o?: { input?: string; env?: Record<string, string> }): string;
  /** Reads a release that helm stored. */
  stored(name: string, version: number): Promise<Release>;
  close(): Promise<void>;
}

/** Sets it all up in a namespace of its own. */
export async function createRenderBed(): Promise<RenderBed> {
  const { client, kubeconfigPath } = await testCluster();
  const namespace = await testNamespace(client, 'render');
  const folder = await temporaryFolder('render');
  const tempDir = folder.path;
  const kustomize = createKustomize({ binary: toolPath('kustomize-builder') });
  const renderer = createRenderer({
    helm: createHelmRenderer({
      program: toolPath('helm-renderer'),
      maxRssBytes: 160 * 1024 * 1024,
    }),
    kustomize,
    discovery: createDiscovery({ maxAgeMs: 3_600_000 }),
    schemas: createRemoteSchemas(localNetwork, systemClock),
  });
  const request = {
    name: 'web',
    namespace,
    revision: 1,
    values: {},
    client,
    share: namespace,
    timeoutMs: 60_000,
  };
  return {
    dir: tempDir,
    client,
    namespace,
    renderer,
    kustomize,
    install: (chartPath, more) =>
      renderer.render({ ...request, applyMethod: 'ssa', chartPath, ...more }),
    helm(args, { input, env } = {}) {
      const { status, stdout, stderr } = spawnSync(toolPath('helm'), args, {
        encoding: 'utf8',
        input,
        env: { HOME: tempDir, KUBECONFIG: kubeconfigPath, HELM_NAMESPACE: namespace, ...env },
      });
      if (status !== 0) throw new Error(stderr);
      return stdout;
    },
    async stored(name, version) {
      const key = { namespace, name: `sh.helm.release.v1.${name}.v${version}` };
      const secret = await client.get<KubeObject & { data: { release: string } }>(
        coreResources.secrets,
        key,
      );
      const text = Buffer.from(secret.data.release, 'base64').toString();
      return JSON.parse(gunzipSync(Buffer.from(text, 'base64')).toString()) as Release;
    },
    async close() {
      await renderer.close();
      await folder.remove();
    },
  };
}
