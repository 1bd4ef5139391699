import {
  type Approval,
  approvalKind,
  type KindDefinition,
  type KubeObject,
  type KustomizationStatus,
  windowKind,
} from '@sluice/shared/api';
import { coreResources, resourceOf } from '@sluice/shared/kube';
import type { AppliedKind, ApplierBed } from './applier-bed.ts';
import { seeValues } from './seen-values.ts';

const approvals = resourceOf(approvalKind as KindDefinition);
const windows = resourceOf(windowKind as KindDefinition);
const names = ['a', 'b', 'c'];

/** What somebody may do to an object whose changes are controlled, the more often the more often it is here. */
export const storyOperations = [
  'commit',
  'commit',
  'remove one',
  'approve',
  'approve',
  'approve what is over',
  'reject',
  'edit',
  'restart',
  'close the window',
  'open the window',
] as const;
/** The same, where the controller may be killed. */
export const killingOperations = [...storyOperations, 'kill', 'kill', 'kill', 'kill'] as const;
export type StoryOperation = (typeof killingOperations)[number];

/** ConfigMaps of a source by name, each with one value, `v`. */
export type StoryObjects = Record<string, string>;

/** An object whose changes are controlled. */
export type ControlledKind = AppliedKind & {
  status?: Pick<KustomizationStatus, 'plan' | 'held' | 'change'>;
};

/** What differs from one kind to the other. */
export interface ChangeStoryOptions<T extends ControlledKind> {
  bed: ApplierBed<T>;
  kind: 'Kustomization' | 'HelmRelease';
  /** Publishes a revision of the source of an object, which has exactly these ConfigMaps. */
  publish(name: string, revision: string, objects: StoryObjects): Promise<unknown>;
  /** The spec of an object, but for its policy; drift is corrected. */
  spec(name: string): Partial<T['spec']>;
  /** Whether a revision is applied. */
  hasApplied(object: T, revision: string): boolean;
  /** Has the controller die at the nth request from now on that changes something, and another one start. */
  killAtWrite?(nth: number): Promise<void>;
}

/** Requests that change something, within which a kill comes. */
const maxWrites = 8;

/** One object that somebody keeps changing, and what may be in the cluster because of that. */
class Story<T extends ControlledKind> {
  readonly #o: ChangeStoryOptions<T>;
  readonly #name: string;
  /** Values that may be seen: those of approved commits, and edits. */
  readonly allowed = new Set<string>();
  /** Objects whose deletion was approved, by value of the commit. */
  readonly mayGo = new Set<string>();
  #commits = 0;
  #edits = 0;
  #kills = 0;
  #value = '';
  #present: string[] = [];
  #applied: string[] = [];
  #digests: string[] = [];
  #isClosed = false;
  #isApproved = false;
  #isRejected = false;

  constructor(o: ChangeStoryOptions<T>, name: string) {
    this.#o = o;
    this.#name = name;
  }

  async run(operation: StoryOperation): Promise<void> {
    switch (operation) {
      case 'commit':
        return this.#commit(names);
      case 'remove one':
        return this.#commit(names.slice(1));
      case 'approve':
        return this.#approve();
      case 'approve what is over': {
        const [over] = this.#digests.slice(0, -1);
        return over === undefined ? undefined : this.#decide(over, 'Approve');
      }
      case 'reject':
        return this.#reject();
      case 'edit':
        return this.#edit();
      case 'restart':
        return this.#o.bed.restart();
      case 'kill':
        // Another one each time, which seeds can repeat.
        return this.#o.killAtWrite?.(1 + ((5 * this.#kills++ + this.#commits) % maxWrites));
      case 'close the window':
        return this.#close();
      case 'open the window':
        return this.#open();
    }
  }

  async #commit(present: string[]): Promise<void> {
    this.#commits++;
    this.#value = `${this.#name}-${this.#commits}`;
    this.#present = present;
    this.#isApproved = false;
    this.#isRejected = false;
    await this.#o.publish(this.#name, this.#revision, this.#objects(present, this.#value));
    if (this.#commits === 1) await this.#create();
    await this.#plan();
  }

  #objects(present: readonly string[], value: string): StoryObjects {
    return Object.fromEntries(present.map((one) => [`${this.#name}-${one}`, value]));
  }

  #create(): Promise<unknown> {
    const policy = { changePolicy: { mode: 'Approve' } };
    return this.#o.bed.apply({ ...this.#o.spec(this.#name), ...policy }, this.#name);
  }

  /** Waits until the newest commit waits, and returns the digest of its plan. */
  async #plan(): Promise<string> {
    const { status } = await this.#o.bed.when(
      ({ status: now }) => now?.held !== undefined && now.plan?.revision === this.#revision,
      this.#name,
    );
    const digest = status?.plan?.digest ?? '';
    if (this.#digests.at(-1) !== digest) this.#digests.push(digest);
    return digest;
  }

  async #isWaiting(): Promise<boolean> {
    if (this.#commits === 0) return false;
    return (await this.#o.bed.get(this.#name)).status?.change?.revision !== this.#revision;
  }

  async #approve(): Promise<void> {
    if (!(await this.#isWaiting()) || this.#isRejected) return;
    this.#isApproved = true;
    if (!this.#isClosed) this.#allow();
    // An edit that is yet to be undone makes the plan another one for a moment.
    for (let attempt = 1; attempt <= 10; attempt++) {
      const digest = await this.#plan();
      await this.#decide(digest, 'Approve');
      const { status } = await this.#o.bed.when(
        ({ status: now }) =>
          now?.held?.reason === 'Window' ||
          now?.change?.revision === this.#revision ||
          (now?.plan !== undefined && now.plan.digest !== digest),
        this.#name,
      );
      if (status?.held?.reason === 'Window') return;
      if (status?.change?.revision === this.#revision) break;
    }
    await this.#o.bed.ready(this.#revision, this.#name);
    this.#applied = this.#present;
  }

  get #revision(): string {
    return `${this.#commits}.0.0`;
  }

  #allow(): void {
    this.allowed.add(this.#value);
    for (const name of names) if (!this.#present.includes(name)) this.mayGo.add(name);
  }

  async #reject(): Promise<void> {
    if (!(await this.#isWaiting()) || this.#isApproved) return;
    this.#isRejected = true;
    for (let attempt = 1; attempt <= 10; attempt++) {
      const digest = await this.#plan();
      await this.#decide(digest, 'Reject');
      const { status } = await this.#o.bed.when(
        ({ status: now }) =>
          now?.held?.reason === 'Rejected' ||
          (now?.plan !== undefined && now.plan.digest !== digest),
        this.#name,
      );
      if (status?.held?.reason === 'Rejected') return;
    }
  }

  async #decide(planDigest: string, decision: 'Approve' | 'Reject'): Promise<void> {
    await this.#o.bed.client.create(approvals, {
      apiVersion: 'delivery.sluice.dev/v1alpha1',
      kind: 'Approval',
      metadata: {
        generateName: `${this.#name}-`,
        namespace: this.#o.bed.namespace,
      } as Approval['metadata'],
      spec: {
        targetRef: { kind: this.#o.kind, name: this.#name },
        planDigest,
        user: 'lead',
        decision,
      },
    } as KubeObject);
  }

  async #edit(): Promise<void> {
    const [name] = this.#applied;
    if (name === undefined) return;
    this.#edits++;
    const value = `${this.#name}-edit-${this.#edits}`;
    this.allowed.add(value);
    await this.#o.bed.client.patch(
      coreResources.configMaps,
      { namespace: this.#o.bed.namespace, name: `${this.#name}-${name}` },
      { data: { v: value } },
      { type: 'merge', fieldManager: 'kubectl-edit' },
    );
  }

  async #close(): Promise<void> {
    if (this.#isClosed || this.#commits === 0) return;
    this.#isClosed = true;
    await this.#o.bed.client.create(windows, {
      apiVersion: 'delivery.sluice.dev/v1alpha1',
      kind: 'Window',
      metadata: { name: `${this.#name}-freeze`, namespace: this.#o.bed.namespace },
      spec: { kind: 'Deny', schedule: '* * * * *', duration: '24h', overrun: true },
    } as KubeObject);
    await this.#untilSeen();
  }

  /** Waits until a change that nothing else holds is held by the Window. */
  async #untilSeen(): Promise<void> {
    const probe = `${this.#name}-probe-${this.#commits}-${this.#edits}`;
    for (let attempt = 1; attempt <= 10; attempt++) {
      const revision = `${attempt}.0.0`;
      await this.#o.publish(probe, revision, { [probe]: revision });
      if (attempt === 1) await this.#o.bed.apply(this.#o.spec(probe), probe);
      const isHeld = (object: T) => object.status?.held?.reason === 'Window';
      const seen = await this.#o.bed.when(
        (object) => isHeld(object) || this.#o.hasApplied(object, revision),
        probe,
      );
      if (isHeld(seen)) break;
    }
    await this.#o.bed.remove(probe);
  }

  async #open(): Promise<void> {
    if (!this.#isClosed) return;
    this.#isClosed = false;
    const isDue = this.#isApproved && (await this.#isWaiting());
    if (isDue) this.#allow();
    await this.#o.bed.client.delete(windows, {
      namespace: this.#o.bed.namespace,
      name: `${this.#name}-freeze`,
    });
    if (!isDue) return;
    await this.#o.bed.ready(this.#revision, this.#name);
    this.#applied = this.#present;
  }
}

/** A story as the cluster tells it. */
export interface ChangeStory {
  /** Everything that the objects have held so far. */
  values: readonly string[];
  /** Carries out an operation, and waits until what it leads to is done. */
  run(operation: StoryOperation): Promise<void>;
  /** Values and deletions in the cluster that nobody had allowed by now; the order of things counts. */
  violations(): string[];
  stop(): Promise<void>;
}

/** Begins a story of one object. Every state of its ConfigMaps is seen, for a watch leaves none out. */
export async function startChangeStory<T extends ControlledKind>(
  o: ChangeStoryOptions<T>,
  name: string,
): Promise<ChangeStory> {
  const { client, namespace } = o.bed;
  const story = new Story(o, name);
  const seen = await seeValues({ client, namespace, prefix: name, names });
  const { values, gone } = seen;
  return {
    values,
    run: (operation) => story.run(operation),
    violations: () => [
      ...values.filter((value) => !story.allowed.has(value)),
      ...gone.filter((one) => !story.mayGo.has(one)).map((one) => `${one} deleted`),
    ],
    stop: () => seen.stop(),
  };
}
