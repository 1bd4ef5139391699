import { createDispatcher, type Dispatcher, NetworkGuard } from '../net/index.ts';

const connectTimeoutMs = 5_000;

/**
 * Makes the connection pool to addresses of the machine, such as the metadata servers of clouds. The environment, and
 * no object, says which; the guard that stands before objects refuses them.
 */
export function createLocalDispatcher(): Dispatcher {
  const allow = ['metadata', 'link-local', 'loopback'];
  return createDispatcher({ guard: new NetworkGuard({ allow }), connectTimeoutMs });
}
