import type { KubeObject } from '@sluice/shared/api';
import { errorMessage, type Logger } from '@sluice/shared/base';
import {
  type ApiResource,
  apiVersionString,
  createKindsWatch,
  type GroupVersionKind,
  isForbidden,
  isNotFound,
  type KindsWatch,
  type KubeClient,
} from '@sluice/shared/kube';
import { resourcesOfCrd } from '../apply/apply-crds.ts';
import { computeHealth } from '../health/health.ts';
import { fieldAt, mapsAt, stringAt } from '../object/object-fields.ts';

/** An owner is not woken twice within this many milliseconds. */
const leastWakeMs = 5_000;

/** How to make {@link AwaitedKinds}. */
export interface AwaitedKindsOptions {
  client: KubeClient;
  logger: Logger;
  /** Called with the key of an owner one of whose kinds is served now. */
  onServed(owner: string): void;
}

/**
 * Wakes those who wait for kinds that a cluster does not serve yet, as soon as it does. There is a watch only while
 * somebody waits; where it is forbidden, they go on by their own timers.
 */
export class AwaitedKinds {
  readonly #options: AwaitedKindsOptions;
  readonly #waiters = new Map<string, readonly GroupVersionKind[]>();
  /** When owners were last woken, in milliseconds since the epoch. */
  readonly #woken = new Map<string, number>();
  #watch: KindsWatch | undefined;

  constructor(options: AwaitedKindsOptions) {
    this.#options = options;
  }

  /** Says which kinds an owner waits for from now on; none end its wait. */
  waitFor(owner: string, kinds: readonly GroupVersionKind[]): void {
    if (kinds.length === 0) this.#waiters.delete(owner);
    else this.#waiters.set(owner, kinds);
    if (this.#waiters.size === 0) this.#end();
    else if (this.#watch === undefined) this.#begin();
  }

  /** Ends the watch. */
  async stop(): Promise<void> {
    this.#waiters.clear();
    const watch = this.#watch;
    this.#watch = undefined;
    await watch?.stop();
  }

  #begin(): void {
    const { client, logger } = this.#options;
    this.#watch = createKindsWatch({
      client,
      logger,
      onChange: (object, resource) => this.#noticed(object, resource),
      onFailure: (error) => {
        if (isForbidden(error)) this.#end();
      },
    });
    this.#watch.start();
  }

  #end(): void {
    const watch = this.#watch;
    this.#watch = undefined;
    watch?.stop().catch((error: unknown) => this.#failed(error));
  }

  /** Definitions and API services are both named `<something>.<group>`. */
  #noticed({ metadata: { name } }: KubeObject, resource: ApiResource): void {
    const group = name.slice(name.indexOf('.') + 1);
    const isAwaited = [...this.#waiters.values()].flat().some((kind) => kind.group === group);
    if (isAwaited) this.#look(name, resource).catch((error: unknown) => this.#failed(error));
  }

  /** Looks whether it serves what somebody waits for; one that does not yet will change once more. */
  async #look(name: string, resource: ApiResource): Promise<void> {
    const { client } = this.#options;
    const object = await client.get<KubeObject>(resource, { name });
    const served = resource.kind === 'APIService' ? versionOf(object) : kindsOf(object);
    if (served.length === 0) return;
    client.mapper.expire();
    client.mapper.learn(served.filter((one) => one.plural !== ''));
    for (const [owner, kinds] of [...this.#waiters])
      if (kinds.some((kind) => served.some((one) => provides(one, kind)))) this.#wake(owner);
  }

  #wake(owner: string): void {
    this.waitFor(owner, []);
    const now = Date.now();
    for (const [key, at] of this.#woken) if (now - at >= leastWakeMs) this.#woken.delete(key);
    // What the server says to serve and then does not find is left to the owner's own timer.
    if (this.#woken.has(owner)) return;
    this.#woken.set(owner, now);
    this.#options.onServed(owner);
  }

  #failed(error: unknown): void {
    if (isNotFound(error)) return;
    this.#options.logger.warn({ error: errorMessage(error) }, 'New kinds cannot be looked at');
  }
}

/** Whether a resource is one of a kind, or any of its version when it names no kind. */
function provides(one: ApiResource, wanted: GroupVersionKind): boolean {
  const isKind = one.kind === '' || one.kind === wanted.kind;
  return isKind && apiVersionString(one) === apiVersionString(wanted);
}

function kindsOf(crd: KubeObject): ApiResource[] {
  return computeHealth(crd).status === 'Current' ? resourcesOfCrd(crd) : [];
}

/** Returns the version that an API service adds, once its server answers; those of definitions are none of their own. */
function versionOf(service: KubeObject): ApiResource[] {
  const isAvailable = mapsAt(service, 'status', 'conditions').some(
    ({ type, status }) => type === 'Available' && status === 'True',
  );
  if (!isAvailable || fieldAt(service, 'spec', 'service') === undefined) return [];
  const group = stringAt(service, ['spec', 'group']);
  const version = stringAt(service, ['spec', 'version']);
  return [{ group, version, kind: '', plural: '', namespaced: true }];
}
