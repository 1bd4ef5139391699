import type { KubeObject } from '@sluice/shared/api';
import {
  ApiError,
  type ApiResource,
  type KubeClient,
  keyOf,
  type ObjectKey,
  type PatchOptions,
} from '@sluice/shared/kube';

/** A request that the fake API server received. */
export interface FakeRequest {
  verb: 'get' | 'create' | 'replace' | 'patch' | 'delete';
  plural: string;
  key: string;
  body?: unknown;
  fieldManager?: string;
  subresource?: string;
}

/** An API server in memory with resource versions and conflicts, for what the runtime asks of one. */
export class FakeApi {
  readonly requests: FakeRequest[] = [];
  readonly objects = new Map<string, KubeObject>();
  /** Called before each request is served; may change objects, wait, or throw. */
  before: (request: FakeRequest) => void | Promise<void> = () => undefined;
  #version = 100;

  /** Puts an object there as if someone else wrote it. */
  put<T extends KubeObject>(plural: string, object: T): T {
    const metadata = { uid: `uid-${object.metadata.name}`, ...object.metadata };
    metadata.resourceVersion = String(++this.#version);
    const stored = structuredClone({ ...object, metadata });
    this.objects.set(`${plural}/${keyOf(object)}`, stored);
    return structuredClone(stored);
  }

  read<T extends KubeObject>(plural: string, key: string): T {
    const object = this.objects.get(`${plural}/${key}`);
    if (!object) throw apiError(404, 'NotFound');
    return structuredClone(object) as T;
  }

  writes(): FakeRequest[] {
    return this.requests.filter((r) => r.verb !== 'get');
  }

  get client(): KubeClient {
    return this.#client as unknown as KubeClient;
  }

  readonly #client = {
    get: async (r: ApiResource, key: ObjectKey) => {
      await this.#receive({ verb: 'get', plural: r.plural, key: keyOf(key) });
      return this.read(r.plural, keyOf(key));
    },
    create: async (r: ApiResource, object: KubeObject) => {
      const request = { plural: r.plural, key: keyOf(object), body: object };
      await this.#receive({ verb: 'create', ...request });
      if (this.objects.has(`${r.plural}/${request.key}`)) throw apiError(409, 'AlreadyExists');
      return this.put(r.plural, object);
    },
    replace: async (r: ApiResource, object: KubeObject) => {
      const request = { plural: r.plural, key: keyOf(object), body: object };
      await this.#receive({ verb: 'replace', ...request });
      this.#guard(this.read(r.plural, request.key), object.metadata.resourceVersion);
      return this.put(r.plural, object);
    },
    patch: async (r: ApiResource, key: ObjectKey, body: unknown, o: PatchOptions) => {
      const { fieldManager, subresource } = o;
      const request = { plural: r.plural, key: keyOf(key), body, fieldManager, subresource };
      await this.#receive({ verb: 'patch', ...request });
      const current = this.read(r.plural, request.key);
      const { metadata, ...rest } = body as Partial<KubeObject>;
      this.#guard(current, metadata?.resourceVersion);
      return this.put(r.plural, merge(merge(current, rest), { metadata }) as KubeObject);
    },
  };

  async #receive(request: FakeRequest): Promise<void> {
    await this.before(request);
    this.requests.push(structuredClone(request));
  }

  #guard(current: KubeObject, resourceVersion: string | undefined): void {
    if (resourceVersion && resourceVersion !== current.metadata.resourceVersion) {
      throw apiError(409, 'Conflict');
    }
  }
}

/** An answer of an API server that refuses. */
export function apiError(status: number, reason: string): ApiError {
  return new ApiError({ status, reason, message: reason, verb: 'GET', path: '/' });
}

/** JSON merge patch, RFC 7396. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const isObject = typeof target === 'object' && target !== null && !Array.isArray(target);
  const result: Record<string, unknown> = isObject ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}
