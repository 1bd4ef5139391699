import type { SecretMasker } from '@sluice/shared/base';
import type { Helm, Kustomize } from '@sluice/shared/cli';
import type { KubeClient } from '@sluice/shared/kube';
import type { Chart, Release, Values } from '../release/release.ts';
import type { IntegerSetting } from '../values/helm-integer.ts';
import type { DiscoveryServer } from './discovery-server.ts';
import { renderError } from './errors.ts';
import { type PostRendering, postRender } from './post-render.ts';

/** Renders releases as the helm program does. */
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
  helm: Helm;
  kustomize: Kustomize;
  discovery: DiscoveryServer;
  /** Where private directories are made. */
  tempDir: string;
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
  /** Numbers among them that are integers for templates; those of Secrets stay floats. */
  integers?: readonly IntegerSetting[];
  applyMethod: 'ssa' | 'csa';
  skipSchemaValidation?: boolean;
  /** Let `getHostByName` in templates ask the DNS. */
  enableDns?: boolean;
  postRendering?: PostRendering;
  /** Sees the cluster as the tenant may: what it serves, and what templates look up. */
  client: KubeClient;
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

/** The record of the release before from which Helm goes on. */
function previousRecord(r: RenderRequest, previous: PreviousRelease): string {
  const { chart = { metadata: { name: r.name, version: '0.0.0' } }, config } = previous.reuse ?? {};
  return JSON.stringify({
    name: r.name,
    namespace: r.namespace,
    version: r.revision - 1,
    info: { status: 'deployed', first_deployed: previous.firstDeployed },
    chart,
    config,
  });
}

async function runHelm({ helm, discovery }: RendererParts, r: RenderRequest): Promise<Release> {
  const { previous } = r;
  const session = await discovery.open(r.client, r.signal);
  try {
    const text = await helm.render({
      name: r.name,
      namespace: r.namespace,
      chartPath: r.chartPath,
      values: JSON.stringify(r.values),
      // The command line is for everybody to read, and files know no integers.
      set: r.integers?.filter(({ secret }) => !secret).map(({ path, value }) => `${path}=${value}`),
      apiServer: session.url,
      previous: previous && previousRecord(r, previous),
      reuseValues: previous?.reuse !== undefined,
      serverSideApply: r.applyMethod === 'ssa',
      skipSchemaValidation: r.skipSchemaValidation,
      enableDns: r.enableDns,
      timeoutMs: r.timeoutMs,
      signal: r.signal,
    });
    const release = JSON.parse(text) as Partial<Release>;
    // Helm leaves out what is empty.
    return { ...(release as Release), manifest: release.manifest ?? '' };
  } finally {
    session.close();
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
  const options = { ...postRendering, timeoutMs, signal };
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
    close: () => parts.discovery.close(),
  };
}
