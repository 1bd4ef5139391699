import { type Condition, type GitRepository, gitRepositoryKind } from '@sluice/shared/api';
import { FakeClock, silentLogger } from '@sluice/shared/base';
import {
  type Controller,
  type ControllerOptions,
  createController,
} from '../../src/runtime/controller.ts';
import { createMetrics } from '../../src/runtime/observe/metrics.ts';
import {
  done,
  type EventInput,
  type Outcome,
  type ReconcileContext,
  type Reconciler,
} from '../../src/runtime/reconciler.ts';
import { FakeApi } from './fake-api.ts';
import { FakeInformer } from './fake-informer.ts';

const plural = 'gitrepositories';

/** What a test may say about an object. */
export interface ToyObject {
  spec?: object;
  metadata?: object;
  status?: GitRepository['status'];
}

/** A controller with a reconciler, an informer, an API server and a clock that do as the test says. */
export class ToyController {
  readonly api = new FakeApi();
  readonly clock = new FakeClock();
  readonly informer = new FakeInformer<GitRepository>();
  readonly metrics = createMetrics('source-controller');
  readonly stop = new AbortController();
  /** The contexts of all calls of `reconcile`. */
  readonly calls: ReconcileContext<GitRepository>[] = [];
  readonly events: EventInput[] = [];
  controller!: Controller<GitRepository>;
  running: Promise<void> = Promise.resolve();

  behave = async ({ status }: ReconcileContext<GitRepository>): Promise<Outcome> => {
    status.ready('Succeeded', 'fine');
    return done();
  };

  start(
    options: Partial<Reconciler<GitRepository>> = {},
    concurrency = 2,
    more: Partial<ControllerOptions<GitRepository>> = {},
  ): void {
    this.controller = createController({
      reconciler: {
        kind: gitRepositoryKind,
        controllerName: 'source-controller',
        reconcile: async (context) => {
          this.calls.push(context);
          return this.behave(context);
        },
        ...options,
      },
      client: this.api.client,
      informer: this.informer,
      concurrency,
      events: {
        record: async (_, event) => void this.events.push(event),
        flush: () => Promise.resolve(),
      },
      metrics: this.metrics,
      logger: silentLogger,
      clock: this.clock,
      minRetryDelayMs: 1000,
      maxRetryDelayMs: 60_000,
      intervalJitterPercentage: 0,
      dependencyRequeueMs: 7000,
      drainMs: 5000,
      ...more,
    });
    this.running = this.controller.run(this.stop.signal);
  }

  async end(): Promise<void> {
    this.stop.abort();
    await this.clock.advance(5000);
    await this.running;
  }

  /** Writes an object to the API server without showing it to the informer. */
  write(name: string, change: ToyObject = {}): GitRepository {
    return this.api.put<GitRepository>(plural, {
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind: 'GitRepository',
      metadata: { name, namespace: 'ns', generation: 1, ...change.metadata },
      spec: { url: 'http://localhost/app', interval: '10m', ...change.spec },
      status: change.status,
    });
  }

  /** Writes an object and shows it to the informer. */
  see(name: string, change: ToyObject = {}): void {
    this.informer.see(this.write(name, change));
  }

  stored(name: string): GitRepository {
    return this.api.read<GitRepository>(plural, `ns/${name}`);
  }

  ready(name: string): Condition | undefined {
    return this.stored(name).status?.conditions?.find((c) => c.type === 'Ready');
  }

  names(): string[] {
    return this.calls.map((c) => c.object.metadata.name);
  }

  settle(): Promise<void> {
    return this.clock.advance(0);
  }
}

/** A reconcile that ends when the test says so. */
export function gate() {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  return { promise, open: (outcome: Outcome = done()) => resolve(outcome) };
}
