import type { ApiResource, KubeClient } from '@sluice/shared/kube';

type WatchOptions = Parameters<KubeClient['watch']>[1];

/** Holds back what some watches tell, as a busy API server does. */
export class LateWatch {
  readonly #isLate: (resource: ApiResource, o: WatchOptions) => boolean;
  #news: Promise<void> = Promise.resolve();

  /** @param isLate which watches */
  constructor(isLate: (resource: ApiResource, o: WatchOptions) => boolean) {
    this.#isLate = isLate;
  }

  /** Returns the client with these watches. */
  wrap(client: KubeClient): KubeClient {
    const watch: KubeClient['watch'] = (resource, o) => {
      const events = client.watch<never>(resource, o);
      return this.#isLate(resource, o) ? this.#late(events) : events;
    };
    return new Proxy(client, {
      get(target, property) {
        const value = Reflect.get(target, property, target);
        if (property === 'watch') return watch;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  /** Holds back what the watches tell while something is done, then lets it be heard. */
  async unheard(act: () => Promise<unknown>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#news = promise;
    try {
      await act();
    } finally {
      resolve();
    }
  }

  async *#late<T>(events: AsyncIterable<T>): AsyncIterable<T> {
    for await (const event of events) {
      await this.#news;
      yield event;
    }
  }
}
