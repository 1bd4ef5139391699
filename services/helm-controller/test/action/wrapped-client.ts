import type { KubeObject } from '@sluice/shared/api';
import type { ApiResource, KubeClient, ObjectKey } from '@sluice/shared/kube';

const verbs = ['get', 'list', 'create', 'replace', 'patch', 'apply', 'delete', 'request'] as const;

/** A request as a test sees it: `apply ConfigMap/web`. */
export type Call = `${(typeof verbs)[number]} ${string}`;

/** What a test does around requests. */
export interface Around {
  before?(call: Call, signal: AbortSignal | undefined): unknown;
  /** Called when the server has answered, whatever it said; what it throws counts instead. */
  after?(call: Call): void;
}

function nameOf(resource: ApiResource | string, target: unknown): string {
  if (typeof resource === 'string') return String(target);
  const name = (target as KubeObject).metadata?.name ?? (target as ObjectKey).name ?? '';
  return `${resource.kind}/${name}`;
}

/** Returns a client that tells of each request before it is sent and after it was answered; watches pass by. */
export function wrapped(client: KubeClient, { before, after }: Around): KubeClient {
  return new Proxy(client, {
    get(target, property, receiver) {
      const value = Reflect.get(target, property, receiver === undefined ? undefined : target);
      const verb = verbs.find((each) => each === property);
      if (typeof value !== 'function') return value;
      if (verb === undefined) return value.bind(target);
      return async (...args: unknown[]) => {
        const call: Call = `${verb} ${nameOf(args[0] as ApiResource | string, args[1] ?? {})}`;
        const { signal } = (args.at(-1) ?? {}) as { signal?: AbortSignal };
        await before?.(call, signal);
        try {
          return await value.apply(target, args);
        } finally {
          after?.(call);
        }
      };
    },
  });
}
