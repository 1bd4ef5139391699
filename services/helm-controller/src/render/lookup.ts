import { errorMessage } from '@sluice/shared/base';
import type { HelmLookup } from '@sluice/shared/cli';
import {
  ConnectionError,
  gvkOf,
  isNotFound,
  type KubeClient,
  NoKindMatchError,
} from '@sluice/shared/kube';

/** What the templates of one rendering may look up, in all. */
const maxLookups = 1000;
const maxBytes = 16 * 1024 * 1024;

interface Resource {
  name: string;
  kind: string;
  namespaced: boolean;
}

/** The API server takes nothing else for a part of a path. */
function segment(what: string, text: string): string {
  if (text !== '.' && text !== '..' && !/[/%]/.test(text)) return encodeURIComponent(text);
  throw new Error(`invalid ${what} ${JSON.stringify(text)}: it must be one part of a path`);
}

/** Where an API version is served, as `/apis/apps/v1`. */
function rootOf(apiVersion: string): string {
  const parts = apiVersion.split('/');
  if (parts.length > 2 || parts.includes('')) throw new Error('it must be GROUP/VERSION or v1');
  const [first = '', second] = parts.map((part) => segment('apiVersion', part));
  return second === undefined ? `/api/${first}` : `/apis/${first}/${second}`;
}

/** Settings of the lookups of one rendering. */
export interface LookupOptions {
  /** Ends what is on its way. */
  signal: AbortSignal;
  /** Kinds that are about to be served, as `group/version/Kind`: there is nothing of them. */
  expected?: readonly string[];
}

/** The lookups of the templates of one rendering. */
class Lookups {
  readonly #client: KubeClient;
  readonly #signal: AbortSignal;
  readonly #expected: readonly string[];
  readonly #resources = new Map<string, readonly Resource[]>();
  #count = 0;
  #bytes = 0;

  constructor(client: KubeClient, { signal, expected = [] }: LookupOptions) {
    this.#client = client;
    this.#signal = signal;
    this.#expected = expected;
  }

  async answer(question: HelmLookup): Promise<unknown> {
    if (++this.#count > maxLookups) {
      throw new Error(`templates look up more than ${maxLookups} times: look up lists instead`);
    }
    const path = await this.#pathOf(question);
    if (path === undefined) return undefined;
    try {
      return await this.#get(path);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Undefined where nothing can be. */
  async #pathOf(question: HelmLookup): Promise<string | undefined> {
    const namespace = segment('namespace', question.namespace);
    const name = segment('resource name', question.name);
    const resource = await this.#resourceOf(question);
    if (resource === undefined) return undefined;
    const isInNamespace = resource.namespaced && namespace !== '';
    if (resource.namespaced && !isInNamespace && name !== '') return undefined;
    const scope = isInNamespace ? `/namespaces/${namespace}` : '';
    const object = name === '' ? '' : `/${name}`;
    return `${rootOf(question.apiVersion)}${scope}/${resource.name}${object}`;
  }

  async #resourceOf(question: HelmLookup): Promise<Resource | undefined> {
    const { apiVersion, kind } = question;
    try {
      const known = this.#resources.get(apiVersion) ?? (await this.#load(apiVersion));
      return known.find((each) => each.kind === kind && !each.name.includes('/'));
    } catch (error) {
      if (error instanceof ConnectionError) throw error;
      const established = isNotFound(error) ? await this.#established(question) : undefined;
      if (established !== undefined) return established;
      if (isNotFound(error) && this.#expected.includes(`${apiVersion}/${kind}`)) return undefined;
      const why = isNotFound(error) ? 'the server does not serve it' : errorMessage(error);
      throw new Error(`cannot look up a ${kind} of '${apiVersion}': ${why}`, { cause: error });
    }
  }

  /** A kind whose definition came with the chart a moment ago, which the server serves and may list only later. */
  async #established({ apiVersion, kind }: HelmLookup): Promise<Resource | undefined> {
    try {
      const resource = await this.#client.mapper.resourceFor(gvkOf({ apiVersion, kind }));
      return { name: resource.plural, kind, namespaced: resource.namespaced };
    } catch (error) {
      if (error instanceof NoKindMatchError) return undefined;
      throw error;
    }
  }

  async #load(apiVersion: string): Promise<readonly Resource[]> {
    const { resources = [] } = (await this.#get(rootOf(apiVersion))) as { resources?: Resource[] };
    this.#resources.set(apiVersion, resources);
    return resources;
  }

  async #get(path: string): Promise<unknown> {
    const answer = await this.#client.request('GET', path, { signal: this.#signal });
    this.#bytes += JSON.stringify(answer).length;
    if (this.#bytes <= maxBytes) return answer;
    throw new Error(
      `templates look up more than ${maxBytes} bytes: look up single objects instead of lists`,
    );
  }
}

/**
 * Creates the function that answers the lookups of one rendering, with what the API server sends to the tenant.
 *
 * @param client reads as the tenant may
 * @returns a function that returns undefined for what is not there. It throws ApiError or ConnectionError of the API
 *   server, or Error for a version that is not served, and once the templates have looked up too much
 * @see https://github.com/helm/helm/blob/v4.3.1/pkg/engine/lookup_func.go
 */
export function createLookup(
  client: KubeClient,
  o: LookupOptions,
): (question: HelmLookup) => Promise<unknown> {
  const lookups = new Lookups(client, o);
  return (question) => lookups.answer(question);
}
