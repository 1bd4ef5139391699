import type { SecretMasker } from '@sluice/shared/base';
import type { HelmRenderer, Kustomize } from '@sluice/shared/cli';
import type { KubeClient } from '@sluice/shared/kube';
import type { Chart, Release, Values } from '../release/release.ts';
import type { IntegerSetting } from '../values/helm-integer.ts';
import type { Discovery } from './discovery.ts';
import { renderError } from './errors.ts';
import { createLookup } from './lookup.ts';
import { type PostRendering, postRender } from './post-render.ts';
import type { RemoteSchemas } from './remote-schemas.ts';

/** Renders releases as Helm does. */
export interface Renderer {
  /**
   * Renders the release that Helm would create, in the state in which it would store it before anything is applied.
   *
   * @throws RenderError when chart, values or post-renderers are to blame
   * @throws ApiError or ConnectionError when the API server does not tell what it serves
   * @throws CommandError when a program is missing, or was stopped by the signal
   */
  render(request: RenderRequest): Promise<Release>;
  /** Forgets what API servers serve, because a CRD or an APIService has changed. */
  invalidate(): void;
  /** Adds kinds that an API server serves since now, as `group/version` and `group/version/Kind`. */
  learn(client: KubeClient, apiVersions: readonly string[]): void;
  close(): Promise<void>;
}

/** What a renderer needs. */
export interface RendererParts {
  helm: HelmRenderer;
  kustomize: Kustomize;
  discovery: Discovery;
  schemas: RemoteSchemas;
}

/** Which release to render. */
export interface RenderRequest {
  name: string;
  /** Namespace of the release. */
  namespace: string;
  /** Number of the new release. Templates of an installation see 1 whatever it is, as with `--replace`. */
  revision: number;
  /** The release that an upgrade replaces; without it, an installation is rendered. */
  previous?: PreviousRelease;
  /** Absolute path of the chart. */
  chartPath: string;
  /** Values of the user. */
  values: Values;
  /** Numbers among them that are integers for templates. */
  integers?: readonly IntegerSetting[];
  applyMethod: 'ssa' | 'csa';
  skipSchemaValidation?: boolean;
  /** Let `getHostByName` in templates ask the DNS. */
  enableDns?: boolean;
  postRendering?: PostRendering;
  /**
   * Kinds that are served once the chart's own CRDs are applied, as `group/version` and `group/version/Kind`. Templates
   * see them as served, and none of their objects.
   */
  expected?: readonly string[];
  /** Sees the cluster as the tenant may: what it serves, and what templates look up. */
  client: KubeClient;
  /** Whose turn it takes: the namespace of the HelmRelease. */
  share: string;
  /** Limit of each program that is run, in milliseconds. */
  timeoutMs: number;
  signal?: AbortSignal;
  /** Values that must not be in messages. */
  secrets?: SecretMasker;
}

/** What an upgrade takes over from releases before. */
export interface PreviousRelease {
  /** When the release was installed. */
  firstDeployed?: string;
  /** Labels that a person gave the release. */
  labels?: Record<string, string>;
  /** Chart and values of the deployed release, to be kept under the new ones as `--reuse-values` does. */
  reuse?: { chart: Chart; config?: Values };
}

async function runHelm(
  { helm, discovery, schemas }: RendererParts,
  r: RenderRequest,
): Promise<Release> {
  const { previous, client, expected = [] } = r;
  const { kubeVersion, apiVersions } = await discovery.capabilitiesOf(client);
  const ended = new AbortController();
  const signal = AbortSignal.any([ended.signal, ...(r.signal ? [r.signal] : [])]);
  const documents = schemas.forRendering(r.share);
  try {
    const release = await helm.render<Partial<Release>>(
      {
        name: r.name,
        namespace: r.namespace,
        revision: r.revision,
        chartPath: r.chartPath,
        values: r.values,
        set: r.integers?.map(({ path, value }) => `${path}=${value}`),
        capabilities: {
          kubeVersion,
          apiVersions: [...new Set([...apiVersions, ...expected])].sort(),
        },
        previous: previous && { firstDeployed: previous.firstDeployed, reuse: previous.reuse },
        serverSideApply: r.applyMethod === 'ssa',
        skipSchemaValidation: r.skipSchemaValidation,
        enableDns: r.enableDns,
      },
      {
        lookup: createLookup(client, { signal, expected }),
        schema: (address) => documents.fetch(address, signal),
        timeoutMs: r.timeoutMs,
        share: r.share,
        signal: r.signal,
      },
    );
    // Helm leaves out what is empty.
    return { ...(release as Release), manifest: release.manifest ?? '' };
  } finally {
    // A lookup may still be on its way.
    ended.abort();
  }
}

async function render(parts: RendererParts, r: RenderRequest): Promise<Release> {
  const release = await runHelm(parts, r);
  const { previous, postRendering } = r;
  const description = previous === undefined ? 'Initial install underway' : 'Preparing upgrade';
  const rendered: Release = {
    ...release,
    version: r.revision,
    info: { ...release.info, description },
    ...(previous?.labels && { labels: previous.labels }),
  };
  if (postRendering === undefined) return rendered;
  const { timeoutMs, signal } = r;
  const options = { ...postRendering, timeoutMs, signal, share: r.share };
  return { ...rendered, ...(await postRender(parts, rendered, options)) };
}

/** Creates the renderer. */
export function createRenderer(parts: RendererParts): Renderer {
  return {
    async render(request) {
      try {
        return await render(parts, request);
      } catch (error) {
        throw renderError(error, request.secrets);
      }
    },
    invalidate: () => parts.discovery.invalidate(),
    learn: (client, apiVersions) => parts.discovery.learn(client, apiVersions),
    close: async () => {
      const { helm, kustomize, schemas } = parts;
      await Promise.all([helm.close(), kustomize.close(), schemas.close()]);
    },
  };
}
