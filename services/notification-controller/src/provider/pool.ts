import { createDispatcher, type NamedProxy, type NetworkGuard } from '@sluice/shared/net';
import type { Dispatcher } from 'undici';
import type { Endpoint } from './adapter.ts';

/** The connections to one Provider's service, which its deliveries share; they close after some seconds without use. */
export class ProviderPool {
  readonly #guard: NetworkGuard;
  #settings = '';
  #dispatcher?: Dispatcher;

  constructor(guard: NetworkGuard) {
    this.#guard = guard;
  }

  /** The connections as an endpoint wants them; others than before when its certificates, proxy or timeout are. */
  dispatcherFor({ timeoutMs, tls, proxy }: Endpoint): Dispatcher {
    const settings = JSON.stringify([timeoutMs, tls, proxy]);
    if (this.#dispatcher !== undefined && settings === this.#settings) return this.#dispatcher;
    // What runs on the former ones may end.
    void this.close();
    this.#settings = settings;
    this.#dispatcher = createDispatcher({
      guard: this.#guard,
      connectTimeoutMs: timeoutMs,
      answerTimeoutMs: timeoutMs,
      ...(tls !== undefined && { tls }),
      ...(proxy !== undefined && { proxy: proxyOf(proxy) }),
    });
    return this.#dispatcher;
  }

  /** Closes the connections once what runs on them has ended. */
  async close(): Promise<void> {
    const dispatcher = this.#dispatcher;
    this.#dispatcher = undefined;
    await dispatcher?.close();
  }
}

function proxyOf(address: string): NamedProxy {
  const { protocol, host, username, password } = new URL(address);
  return {
    address: `${protocol}//${host}`,
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
  };
}
