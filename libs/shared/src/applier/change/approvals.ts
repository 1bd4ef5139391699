import {
  type Approval,
  approvalKind,
  type KindDefinition,
  type KubeObject,
  wrongFieldOf,
} from '@sluice/shared/api';
import { errorMessage, Listeners, type Logger } from '@sluice/shared/base';
import { AwaitedKinds } from '@sluice/shared/engine';
import {
  createInformer,
  type Informer,
  isNotFound,
  type KubeClient,
  NoKindMatchError,
  resourceOf,
  type WatchMonitor,
} from '@sluice/shared/kube';
import { type PlanVerdict, planVerdict } from './approvals-verdict.ts';
import { withBareMetadata } from './bare-metadata.ts';

/** How to watch Approvals. */
export interface ApprovalsOptions {
  client: KubeClient;
  logger: Logger;
  /** The only namespace to watch; all unless told. */
  namespace?: string;
  monitor?: WatchMonitor;
  /** Kind of the objects that they are about. */
  kind: string;
}

/** Names what an Approval is about, as `<kind>/<namespace>/<name>`. */
function subjectOf({ metadata, spec }: Approval): string {
  return `${spec.targetRef.kind}/${metadata.namespace ?? ''}/${spec.targetRef.name}`;
}

const kind = approvalKind as KindDefinition;

/** What users have said of plans, kept by a watch. What says nothing that can be read counts for nothing. */
export class Approvals {
  readonly #options: ApprovalsOptions;
  readonly #kinds: AwaitedKinds;
  readonly #listeners: Listeners<string>;
  #informer: Informer<Approval> | undefined;
  #isStopped = false;

  constructor(options: ApprovalsOptions) {
    const { client, logger } = options;
    this.#options = options;
    this.#listeners = new Listeners((error, object) =>
      logger.error({ error: errorMessage(error), object }, 'Listener to Approvals failed'),
    );
    this.#kinds = new AwaitedKinds({ client, logger, onServed: () => this.#watch() });
  }

  /** Calls the listener with the key of each object of which somebody says something, or takes it back. */
  onChange(listener: (key: string) => void): void {
    this.#listeners.add(listener);
  }

  /** Starts the watch. Resolves once all Approvals are known, or when there can be none yet. */
  async start(signal: AbortSignal): Promise<void> {
    const { client, logger } = this.#options;
    try {
      await client.mapper.resourceFor(kind);
    } catch (error) {
      if (!(error instanceof NoKindMatchError)) throw error;
      logger.info({}, 'Approvals are not installed and not watched yet');
      this.#kinds.waitFor(kind.kind, [kind]);
      return;
    }
    this.#watch();
    await this.#informer?.synced(signal);
  }

  /** Ends the watch. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([this.#kinds.stop(), this.#informer?.stop()]);
  }

  /** Returns what users say of a plan of an object. */
  verdictOn(object: KubeObject, planDigest: string): PlanVerdict {
    return planVerdict(this.#about(object), planDigest);
  }

  /**
   * Deletes Approvals of an object that are old and about another plan than the one that waits.
   *
   * @param o.beforeMs made before that, in milliseconds since the epoch
   */
  async removeOutdated(
    object: KubeObject,
    o: { beforeMs: number; planDigest: string | undefined },
  ): Promise<void> {
    const { client, logger } = this.#options;
    for (const { metadata, spec } of this.#about(object)) {
      const isOld = Date.parse(metadata.creationTimestamp ?? '') < o.beforeMs;
      if (!isOld || spec.planDigest === o.planDigest) continue;
      const { uid, name, namespace } = metadata;
      try {
        await client.delete(
          resourceOf(kind),
          { name, namespace },
          uid === undefined ? {} : { uid },
        );
      } catch (error) {
        // The next look at the object tries again.
        if (!isNotFound(error))
          logger.warn({ error: errorMessage(error), approval: name }, 'Approval was not removed');
      }
    }
  }

  #about({ metadata }: KubeObject): readonly Approval[] {
    const subject = `${this.#options.kind}/${metadata.namespace ?? ''}/${metadata.name}`;
    return this.#informer?.byIndex('subject', subject) ?? [];
  }

  #watch(): void {
    if (this.#isStopped || this.#informer !== undefined) return;
    const { client, logger, namespace, monitor } = this.#options;
    this.#informer = createInformer<Approval>({
      client,
      resource: resourceOf(kind),
      logger,
      namespace,
      monitor,
      check: (object) => wrongFieldOf(kind, object),
      transform: withBareMetadata,
      indexes: { subject: (approval) => [subjectOf(approval)] },
    });
    this.#informer.onEvent(({ object: { metadata, spec } }) => {
      if (spec.targetRef.kind === this.#options.kind)
        this.#listeners.emit(`${metadata.namespace}/${spec.targetRef.name}`);
    });
    this.#informer.start();
  }
}
