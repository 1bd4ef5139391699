import type { KubeClient } from '@sluice/shared/kube';

/** Answers of an API server about what it serves, in the form in which Helm takes them fastest. */
export interface Discovery {
  /** Answer of /version. */
  version: string;
  /** Answer of /api: all versions and kinds of the server, see {@link packApiVersions}. */
  core: string;
}

/** Media type of an answer that lists all groups with all kinds. */
export const aggregatedType =
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** The list of groups when there are none besides those of /api. */
export const noGroups = listOfGroups([]);

interface Kind {
  responseKind?: { kind?: string };
}

/** The part of an aggregated discovery document that is read here. */
export interface DiscoveryDocument {
  items?: {
    metadata?: { name?: string };
    versions?: {
      version: string;
      /** `Stale` when the server behind an APIService does not answer. */
      freshness?: string;
      resources?: (Kind & { subresources?: Kind[] })[];
    }[];
  }[];
}

function listOfGroups(items: unknown[]): string {
  return JSON.stringify({
    apiVersion: 'apidiscovery.k8s.io/v2',
    kind: 'APIGroupDiscoveryList',
    metadata: {},
    items,
  });
}

/**
 * Returns what `.Capabilities.APIVersions` of a template holds: each version of a group and each kind in it, such as
 * `apps/v1` and `apps/v1/Deployment`. Versions whose server does not answer are left out, as Helm's client does.
 */
export function apiVersionsOf(documents: readonly DiscoveryDocument[]): Set<string> {
  const found = new Set<string>();
  for (const group of documents.flatMap(({ items = [] }) => items)) {
    for (const { version, freshness, resources = [] } of group.versions ?? []) {
      if (freshness === 'Stale') continue;
      const name = group.metadata?.name ? `${group.metadata.name}/${version}` : version;
      found.add(name);
      for (const { responseKind, subresources = [] } of resources) {
        for (const kind of [responseKind?.kind, ...subresources.map((r) => r.responseKind?.kind)]) {
          if (kind) found.add(`${name}/${kind}`);
        }
      }
    }
  }
  return found;
}

const coreVersion = 'v1';

/**
 * Writes API versions as the kinds of the core group alone. Helm joins each kind with the version it is of as if they
 * were paths, so that kind `../apps/v1` of `v1` becomes `apps/v1`. It reads one short list instead of every group, and
 * does not try to store each in a file of its own: 9 ms less for every rendering.
 *
 * @see https://github.com/helm/helm/blob/v4.3.1/pkg/action/action.go GetVersionSet
 */
export function packApiVersions(apiVersions: ReadonlySet<string>): string {
  const own = `${coreVersion}/`;
  const resources = [...apiVersions]
    .filter((name) => name !== coreVersion)
    .map((name) => (name.startsWith(own) ? name.slice(own.length) : `../${name}`))
    .map((kind) => ({ resource: 'r', responseKind: { kind } }));
  return listOfGroups([
    { metadata: { name: '' }, versions: [{ version: coreVersion, resources }] },
  ]);
}

/**
 * Asks an API server what it serves.
 *
 * @param learned what it is known to serve besides; new kinds are listed some time after they are established
 * @throws ApiError or ConnectionError
 */
export async function loadDiscovery(
  client: KubeClient,
  learned: Iterable<string> = [],
): Promise<Discovery> {
  const headers = { accept: aggregatedType, 'accept-encoding': 'gzip' };
  const [version, ...documents] = await Promise.all([
    client.request('GET', '/version'),
    client.request('GET', '/api', { headers }),
    client.request('GET', '/apis', { headers }),
  ]);
  const apiVersions = apiVersionsOf(documents as DiscoveryDocument[]);
  for (const name of learned) apiVersions.add(name);
  return { version: JSON.stringify(version), core: packApiVersions(apiVersions) };
}
