import {
  type KindDefinition,
  type Provider,
  providerKind,
  replayDeadLettersAnnotation,
} from '@sluice/shared/api';
import { backoff, type Clock, type Logger, systemClock } from '@sluice/shared/base';
import { type Informer, isNotFound, type KubeClient, keyOf, resourceOf } from '@sluice/shared/kube';
import { type EventRecorder, statusPatch } from '@sluice/shared/runtime';
import type { Pipeline, ReplayResult } from './pipeline.ts';

export interface ReplaysOptions {
  providers: Informer<Provider>;
  client: KubeClient;
  /** Records Kubernetes Events only. */
  events: EventRecorder;
  replay: Pipeline['replay'];
  controllerName: string;
  logger: Logger;
  clock?: Clock;
  /** Of the Providers, as the cluster defines them. */
  kind?: KindDefinition<Provider>;
}

/** Characters of a request's token that count. */
const maxTokenLength = 256;
const retryDelay = { minMs: 1_000, maxMs: 60_000 };

/**
 * Delivers dead letters of Providers again when their annotation asks for it: once for each value, which the status
 * repeats afterwards. One replica does. A Provider that is suspended is asked once it is not.
 */
export class Replays {
  readonly #options: ReplaysOptions;
  readonly #clock: Clock;
  readonly #due = new Set<string>();
  /** Tokens that were acted on, by Provider, until the status has them. */
  readonly #handled = new Map<string, string>();
  readonly #failures = new Map<string, number>();
  #wake: () => void = () => undefined;

  constructor(options: ReplaysOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Sees to all requests until the signal aborts; the Providers have to be known. */
  async run(signal: AbortSignal): Promise<void> {
    const { providers } = this.#options;
    const stop = providers.onEvent(({ type, object }) => {
      if (type === 'deleted') this.#forget(keyOf(object));
      else this.#see(object);
    });
    const end = () => this.#wake();
    signal.addEventListener('abort', end, { once: true });
    try {
      for (const provider of providers.list()) this.#see(provider);
      while (!signal.aborted) await this.#next(signal);
    } finally {
      stop();
      signal.removeEventListener('abort', end);
    }
  }

  async #next(signal: AbortSignal): Promise<void> {
    const [key] = this.#due;
    if (key === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      return;
    }
    this.#due.delete(key);
    const provider = this.#options.providers.get(key);
    const token = provider && this.#tokenOf(provider);
    if (provider === undefined || token === undefined) return;
    try {
      await this.#handle(provider, token, signal);
      this.#failures.delete(key);
    } catch (error) {
      if (signal.aborted) return;
      const attempt = this.#failures.get(key) ?? 0;
      this.#failures.set(key, attempt + 1);
      this.#options.logger.warn({ error, provider: key }, 'Dead letters cannot be replayed now');
      this.#clock.setTimer(() => this.#add(key), backoff({ attempt, ...retryDelay }));
    }
  }

  async #handle(provider: Provider, token: string, signal: AbortSignal): Promise<void> {
    const { events, replay, logger } = this.#options;
    const key = keyOf(provider);
    if (!(await this.#write(provider, {}))) {
      this.#handled.set(key, token);
      const message = `The definition of Provider has no status, in which a replay is noted: install the CRDs of Sluice, or send the dead letters again by hand`;
      await events.record(provider, { severity: 'error', reason: 'ReplayRefused', message });
      return;
    }
    const { namespace = '', name } = provider.metadata;
    const result = await replay({ namespace, name, token, signal });
    if (signal.aborted) return;
    this.#handled.set(key, token);
    await this.#write(provider, { lastHandledReplayAt: token });
    logger.info({ provider: key, ...result }, 'Dead letters are replayed');
    const message = said(result);
    await events.record(provider, { severity: 'info', reason: 'DeadLettersReplayed', message });
  }

  /** Returns false when the definition of the kind has no status. */
  async #write(provider: Provider, status: Provider['status']): Promise<boolean> {
    const { client, controllerName, kind = providerKind } = this.#options;
    const resource = resourceOf(kind as KindDefinition);
    try {
      await client.patch(resource, provider.metadata, { status }, statusPatch(controllerName));
      return true;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      // Either the object is gone, which this throws on, or there is no such thing.
      await client.get(resource, provider.metadata);
      return false;
    }
  }

  #see(provider: Provider): void {
    if (this.#tokenOf(provider) !== undefined) this.#add(keyOf(provider));
  }

  #tokenOf({ metadata, spec, status }: Provider): string | undefined {
    const token = metadata.annotations?.[replayDeadLettersAnnotation]?.slice(0, maxTokenLength);
    if (!token || spec.suspend) return undefined;
    const isHandled = [status?.lastHandledReplayAt, this.#handled.get(keyOf(metadata))];
    return isHandled.includes(token) ? undefined : token;
  }

  #add(key: string): void {
    this.#due.add(key);
    this.#wake();
  }

  #forget(key: string): void {
    this.#due.delete(key);
    this.#handled.delete(key);
    this.#failures.delete(key);
  }
}

function said({ replayed, more }: ReplayResult): string {
  const text = `Replayed ${replayed} dead letter${replayed === 1 ? '' : 's'}`;
  if (!more) return text;
  return `${text}; there are more: set ${replayDeadLettersAnnotation} to another value for the next`;
}
