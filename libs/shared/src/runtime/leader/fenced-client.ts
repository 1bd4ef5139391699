import type { KubeClient } from '@sluice/shared/kube';
import { LeadershipLostError } from './leadership.ts';

/** The methods that change something. */
const writes = new Set<PropertyKey>(['create', 'replace', 'patch', 'apply', 'delete']);

/**
 * Wraps a client so that it refuses to write once the process does not lead any more, even when the process
 * was paused and nothing has noticed yet. Clients derived by `impersonate` are wrapped as well.
 *
 * Writes, and raw requests other than GET, reject with LeadershipLostError when `mayWrite` says no.
 */
export function fencedClient(client: KubeClient, mayWrite: () => boolean): KubeClient {
  const guarded = (property: PropertyKey, args: unknown[]) =>
    writes.has(property) || (property === 'request' && args[0] !== 'GET');
  return new Proxy(client, {
    get(target, property) {
      if (property === 'impersonate') {
        return (...args: Parameters<KubeClient['impersonate']>) =>
          fencedClient(target.impersonate(...args), mayWrite);
      }
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        if (guarded(property, args) && !mayWrite()) {
          return Promise.reject(
            new LeadershipLostError('Nothing is written: another process may lead'),
          );
        }
        return Reflect.apply(value, target, args);
      };
    },
  });
}
