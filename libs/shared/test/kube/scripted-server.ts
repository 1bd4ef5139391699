import type { KubeObject } from '@sluice/shared/api';
import type { FakeClock } from '@sluice/shared/base';
import {
  ApiError,
  type ApiResource,
  type KubeClient,
  type WatchEvent,
  type WatchOptions,
} from '@sluice/shared/kube';

export interface Thing extends KubeObject {
  color?: string;
}

export const things: ApiResource = {
  group: 'example.com',
  version: 'v1',
  kind: 'Thing',
  plural: 'things',
  namespaced: true,
};

/** An object of a version; its uid follows from its name unless told. */
export function thing(name: string, version: number, more: { uid?: string; color?: string } = {}) {
  const metadata = {
    name,
    namespace: 'ns',
    uid: more.uid ?? `uid-${name}`,
    resourceVersion: String(version),
  };
  return { apiVersion: 'example.com/v1', kind: 'Thing', metadata, color: more.color } as Thing;
}

export const gone = () =>
  new ApiError({ status: 410, reason: 'Expired', message: 'too old', verb: 'WATCH', path: '/' });

/** One open watch, played by a test. */
export class ScriptedWatch {
  readonly options: WatchOptions;
  readonly #steps: (WatchEvent<Thing> | Error | 'end')[] = [];
  #wake = Promise.withResolvers<void>();

  constructor(options: WatchOptions) {
    this.options = options;
    options.signal?.addEventListener('abort', () => this.fail(options.signal?.reason));
  }

  send(type: WatchEvent<Thing>['type'], object: Thing): this {
    return this.#push({ type, object });
  }

  fail(error: Error): this {
    return this.#push(error);
  }

  end(): this {
    return this.#push('end');
  }

  #push(step: WatchEvent<Thing> | Error | 'end'): this {
    this.#steps.push(step);
    this.#wake.resolve();
    return this;
  }

  async *events(): AsyncGenerator<WatchEvent<Thing>> {
    for (;;) {
      const step = this.#steps.shift();
      if (step === 'end') return;
      if (step instanceof Error) throw step;
      if (step !== undefined) yield step;
      else {
        await this.#wake.promise;
        this.#wake = Promise.withResolvers<void>();
      }
    }
  }
}

/** Plays the lists and watches of one resource. Each list takes the next answer; the last one repeats. */
export class ScriptedServer {
  readonly watches: ScriptedWatch[] = [];
  readonly lists: ({ items: Thing[]; resourceVersion: string } | Error)[] = [];
  listed = 0;
  readonly client: KubeClient;

  constructor(first: { items: Thing[]; resourceVersion: string } | Error) {
    this.lists.push(first);
    const played: Pick<KubeClient, 'list' | 'watch'> = {
      list: async () => {
        this.listed++;
        const answer = this.lists.length > 1 ? this.lists.shift() : this.lists[0];
        if (answer instanceof Error) throw answer;
        return structuredClone(answer) as never;
      },
      watch: (_, options) => {
        const watch = new ScriptedWatch(options);
        this.watches.push(watch);
        return watch.events() as never;
      },
    };
    this.client = played as KubeClient;
  }

  /** The watch opened last. */
  get watch(): ScriptedWatch {
    const last = this.watches.at(-1);
    if (last === undefined) throw new Error('no watch was opened');
    return last;
  }
}

/** Lets everything that is due now happen. */
export function settle(clock: FakeClock): Promise<void> {
  return clock.advance(0);
}
