import { allKinds } from '@sluice/shared/api';
import { type Clock, SingleFlight } from '@sluice/shared/base';
import { type ApiResource, apiVersionString, type GroupVersionKind } from './resource.ts';
import type { Answer } from './transport.ts';
import type { RestMapper } from './types.ts';

/** The cluster does not serve a kind, for instance because its CRD is not installed. */
export class NoKindMatchError extends Error {
  readonly gvk: GroupVersionKind;

  /** @param served versions of the group in which the cluster has the kind */
  constructor(gvk: GroupVersionKind, served: readonly string[] = []) {
    const apiVersion = apiVersionString(gvk);
    super(`the cluster serves no kind ${gvk.kind} in ${apiVersion}: ${howToServe(gvk, served)}`);
    this.name = 'NoKindMatchError';
    this.gvk = gvk;
  }
}

function howToServe(gvk: GroupVersionKind, served: readonly string[]): string {
  const { group, kind } = gvk;
  if (served.length > 0) {
    const versions = served.map((version) => apiVersionString({ group, version }));
    return `it has the kind in ${versions.join(', ')}; correct apiVersion`;
  }
  const isOurs = allKinds.some((known) => known.group === group && known.kind === kind);
  if (isOurs || !fluxGroups.test(group)) return 'install its CRD, or correct apiVersion or kind';
  return (
    'install its CRD together with a controller for it, for none of Sluice reconciles this kind; ' +
    'or remove the object, or correct apiVersion or kind'
  );
}

/** Groups of Flux and of flux-operator. */
const fluxGroups = /(^|\.)(toolkit\.fluxcd\.io|fluxcd\.controlplane\.io)$/;

/** Both documents list all groups with all resources in one answer. */
const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const documents = ['/api', '/apis'];

interface DiscoveryDocument {
  items?: {
    metadata?: { name?: string };
    versions?: {
      version: string;
      resources?: {
        resource: string;
        scope: string;
        verbs?: string[];
        responseKind?: { kind?: string };
      }[];
    }[];
  }[];
}

function keyOfKind(gvk: GroupVersionKind): string {
  return `${gvk.group}/${gvk.version}/${gvk.kind}`;
}

function resourcesOf(document: DiscoveryDocument): ApiResource[] {
  return (document.items ?? []).flatMap((item) =>
    (item.versions ?? []).flatMap(({ version, resources }) =>
      (resources ?? []).map((found) => ({
        group: item.metadata?.name ?? '',
        version,
        kind: found.responseKind?.kind ?? '',
        plural: found.resource,
        namespaced: found.scope === 'Namespaced',
        verbs: found.verbs,
      })),
    ),
  );
}

export interface MapperOptions {
  /** Sends a GET; an answer of 304 means that the known document is current. */
  get: (path: string, headers: Record<string, string>) => Promise<Omit<Answer, 'bytes'>>;
  clock: Clock;
  /** Milliseconds between two refreshes caused by unknown kinds. */
  minRefreshMs?: number;
}

/** Maps kinds to resources by aggregated discovery (Kubernetes 1.30 or newer), one request for each document. */
export class DiscoveryMapper implements RestMapper {
  readonly #options: MapperOptions;
  readonly #flight = new SingleFlight<void>();
  readonly #etags = new Map<string, string>();
  readonly #found = new Map<string, ApiResource[]>();
  readonly #learned = new Map<string, ApiResource>();
  #index = new Map<string, ApiResource>();
  #refreshedAt = Number.NEGATIVE_INFINITY;

  constructor(options: MapperOptions) {
    this.#options = options;
  }

  async resourceFor(gvk: GroupVersionKind): Promise<ApiResource> {
    const key = keyOfKind(gvk);
    const known = this.#index.get(key) ?? this.#learned.get(key);
    if (known !== undefined) return known;
    const { clock, minRefreshMs = 2_000 } = this.#options;
    if (clock.now() - this.#refreshedAt >= minRefreshMs) {
      await this.#flight.run('', () => this.#refresh());
    }
    const found = this.#index.get(key);
    if (found === undefined) throw new NoKindMatchError(gvk, this.#versionsOf(gvk));
    return found;
  }

  #versionsOf({ group, kind }: GroupVersionKind): string[] {
    const known = [...this.#index.values(), ...this.#learned.values()];
    const same = known.filter((one) => one.group === group && one.kind === kind);
    return [...new Set(same.map(({ version }) => version))].sort();
  }

  expire(): void {
    this.#refreshedAt = Number.NEGATIVE_INFINITY;
  }

  invalidate(): void {
    this.#refreshedAt = Number.NEGATIVE_INFINITY;
    this.#index.clear();
    this.#etags.clear();
  }

  learn(resources: ApiResource[]): void {
    const kinds = new Set(resources.map(({ group, kind }) => `${group}/${kind}`));
    for (const [key, { group, kind }] of this.#learned)
      if (kinds.has(`${group}/${kind}`)) this.#learned.delete(key);
    for (const resource of resources) this.#learned.set(keyOfKind(resource), resource);
  }

  /** Drops one kind that the server turned out not to serve any more, so that it is looked up anew. */
  forget(gvk: GroupVersionKind): void {
    this.#index.delete(keyOfKind(gvk));
    this.#learned.delete(keyOfKind(gvk));
  }

  async #refresh(): Promise<void> {
    await Promise.all(documents.map((path) => this.#load(path)));
    const index = new Map<string, ApiResource>();
    // The first resource of a kind is the plain one; later ones are views of it.
    for (const resource of [...this.#found.values()].flat()) {
      const key = keyOfKind(resource);
      if (!index.has(key)) index.set(key, resource);
    }
    this.#index = index;
    this.#refreshedAt = this.#options.clock.now();
  }

  async #load(path: string): Promise<void> {
    const etag = this.#etags.get(path);
    const answer = await this.#options.get(path, {
      accept,
      'accept-encoding': 'gzip',
      ...(etag && { 'if-none-match': etag }),
    });
    if (answer.status === 304) return;
    this.#found.set(path, resourcesOf(answer.body as DiscoveryDocument));
    const tag = answer.headers['etag'];
    if (typeof tag === 'string') this.#etags.set(path, tag);
  }
}
