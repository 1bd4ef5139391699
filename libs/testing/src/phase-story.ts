import {
  type Approval,
  type AuditRecord,
  approvalKind,
  type KindDefinition,
  type KubeObject,
  overridePlanAnnotation,
  overrideReasonAnnotation,
  type Plan,
  planKind,
  type Snapshot,
  snapshotKind,
  type Window,
  windowKind,
} from '@sluice/shared/api';
import { coreResources, resourceOf } from '@sluice/shared/kube';
import type { ChangeStoryOptions, ControlledKind, StoryObjects } from './change-story.ts';
import type { Death } from './kill-proxy.ts';
import type { KilledController } from './killed-controller.ts';
import { type SeenValues, seeValues } from './seen-values.ts';
import { until } from './until.ts';

const approvals = resourceOf(approvalKind as KindDefinition);
const plans = resourceOf(planKind as KindDefinition);
const snapshots = resourceOf(snapshotKind);
const windows = resourceOf(windowKind as KindDefinition);
const { configMaps } = coreResources;
const names = ['a', 'b', 'c'];

/** What a story of {@link PhaseStory} is about. */
export interface PhaseStoryOptions<T extends ControlledKind>
  extends Omit<ChangeStoryOptions<T>, 'hasApplied' | 'killAtWrite'> {
  controller: KilledController;
  plural: string;
}

/** One object whose changes are approved, with three ConfigMaps, and a controller that dies on the way. */
export class PhaseStory<T extends ControlledKind = ControlledKind> {
  readonly name: string;
  readonly #o: PhaseStoryOptions<T>;
  readonly #seen: SeenValues;
  /** Values that may be seen, and ConfigMaps that may go. */
  readonly #allowed = new Set<string>();
  /** How often somebody has decided. */
  decisions = 0;
  #commits = 0;
  #value = '';
  #present: string[] = [];

  private constructor(o: PhaseStoryOptions<T>, name: string, seen: SeenValues) {
    this.#o = o;
    this.name = name;
    this.#seen = seen;
  }

  static async start<T extends ControlledKind>(
    o: PhaseStoryOptions<T>,
    name: string,
  ): Promise<PhaseStory<T>> {
    const { client, namespace } = o.bed;
    return new PhaseStory(o, name, await seeValues({ client, namespace, prefix: name, names }));
  }

  get revision(): string {
    return `${this.#commits}.0.0`;
  }

  /** What the revision of a number has in each ConfigMap. */
  valueOf(commit: number): string {
    return `${this.name}-${commit}`;
  }

  /** Name of one of the ConfigMaps. */
  of(one: string): string {
    return `${this.name}-${one}`;
  }

  /** Has a first revision applied, and changes approved from then on. */
  async begin(o: { policy?: object; spec?: object } = {}): Promise<void> {
    const { bed, spec } = this.#o;
    await this.commit();
    this.#allow();
    await bed.apply({ ...spec(this.name), ...o.spec }, this.name);
    await this.ready();
    const changePolicy = { mode: 'Approve', ...o.policy };
    await bed.patch({ changePolicy } as Partial<T['spec']>, this.name);
    await this.ready();
  }

  /** Publishes the next revision; `as` has it hold what an earlier one did. */
  async commit(o: { present?: string[]; more?: StoryObjects; as?: number } = {}): Promise<void> {
    this.#commits++;
    this.#value = this.valueOf(o.as ?? this.#commits);
    this.#present = o.present ?? names;
    const own = Object.fromEntries(this.#present.map((one) => [this.of(one), this.#value]));
    await this.#o.publish(this.name, this.revision, { ...own, ...o.more });
  }

  #allow(): void {
    this.#allowed.add(this.#value);
    for (const one of names) if (!this.#present.includes(one)) this.#allowed.add(`-${one}`);
  }

  /** Waits until the newest revision waits for a reason; returns the digest of its plan. */
  async held(reason = 'Approval'): Promise<string> {
    const { status } = await this.#o.bed.when(
      ({ status: now, metadata }) =>
        now?.held?.reason === reason &&
        now.plan?.revision === this.revision &&
        now.observedGeneration === metadata.generation,
      this.name,
    );
    return status?.plan?.digest ?? '';
  }

  /** Approves a plan, once. */
  async approve(planDigest: string): Promise<void> {
    this.#allow();
    this.decisions++;
    const { client, namespace } = this.#o.bed;
    await client.create<Approval>(approvals, {
      apiVersion: 'delivery.sluice.dev/v1alpha1',
      kind: 'Approval',
      metadata: { name: `${this.name}-${this.#commits}`, namespace },
      spec: { targetRef: { kind: this.#o.kind, name: this.name }, planDigest, user: 'lead' },
    });
  }

  /** Lets a plan pass in spite of all. */
  async override(planDigest: string): Promise<void> {
    this.#allow();
    this.decisions++;
    const annotations = {
      [overridePlanAnnotation]: planDigest,
      [overrideReasonAnnotation]: 'incident',
    };
    await this.#o.bed.annotate(annotations, this.name);
  }

  /** Changes a ConfigMap by hand. */
  async edit(one: string): Promise<void> {
    const { client, namespace } = this.#o.bed;
    const value = `${this.name}-edit`;
    this.#allowed.add(value);
    const key = { namespace, name: this.of(one) };
    const how = { type: 'merge', fieldManager: 'kubectl-edit' } as const;
    await client.patch(configMaps, key, { data: { v: value } }, how);
  }

  /** Waits until a ConfigMap holds what a revision says. */
  async holds(one: string, commit: number): Promise<void> {
    const { client, namespace } = this.#o.bed;
    const key = { namespace, name: this.of(one) };
    const value = this.valueOf(commit);
    await until<KubeObject & { data?: Record<string, string> }>(
      client,
      configMaps,
      key,
      ({ data }) => data?.['v'] === value,
    );
  }

  /** Keeps changes back, until a time in milliseconds since the epoch, or for a day. */
  async close(untilMs?: number): Promise<void> {
    const { client, namespace } = this.#o.bed;
    const minute = 60_000;
    const fromMs = Math.floor(Date.now() / minute) * minute;
    const at = new Date(fromMs);
    const schedule = `${at.getUTCMinutes()} ${at.getUTCHours()} * * *`;
    const duration = untilMs === undefined ? '23h' : `${Math.ceil((untilMs - fromMs) / 1000)}s`;
    await client.create<Window>(windows, {
      apiVersion: 'delivery.sluice.dev/v1alpha1',
      kind: 'Window',
      metadata: { name: this.name, namespace },
      spec: { kind: 'Deny', schedule, duration },
    });
  }

  /** Ends that. */
  async open(): Promise<void> {
    const { client, namespace } = this.#o.bed;
    await client.delete(windows, { namespace, name: this.name });
  }

  /** Plans the death of the controller; resolves when it is dead. */
  dieAt(death: Death): Promise<void> {
    return this.#o.controller.dieAt(death);
  }

  kill(): Promise<void> {
    return this.#o.controller.kill();
  }

  revive(): Promise<void> {
    return this.#o.controller.revive();
  }

  /** Name of the resource of the object, for a {@link Death}. */
  get resource(): string {
    return `${this.#o.plural}/${this.name}`;
  }

  /** Name of its Plan. */
  get planName(): string {
    return `${this.#o.kind.toLowerCase()}-${this.name}`;
  }

  /** Waits until a Plan is stored that has a digest. */
  async hasPlan(digest: string): Promise<void> {
    const { client, namespace } = this.#o.bed;
    const key = { namespace, name: this.planName };
    await until<Plan>(client, plans, key, ({ spec }) => spec.digest === digest);
  }

  /** Waits until the newest revision is applied. */
  ready(): Promise<T> {
    return this.#o.bed.ready(this.revision, this.name);
  }

  get(): Promise<T> {
    return this.#o.bed.get(this.name);
  }

  /** How often one of the ConfigMaps was made. */
  madeTimes(one: string): number {
    return this.#seen.madeTimes(one);
  }

  /** What ought not to be: values and deletions that nobody allowed, and Plans and Snapshots that nobody refers to. */
  async wrongs(): Promise<string[]> {
    const { values, gone } = this.#seen;
    return [
      ...values.filter((value) => !this.#allowed.has(value)),
      ...gone.filter((one) => !this.#allowed.has(`-${one}`)).map((one) => `${one} deleted`),
      ...(await this.#orphans()),
    ];
  }

  async #orphans(): Promise<string[]> {
    const { client, namespace } = this.#o.bed;
    const { status, metadata } = await this.get();
    const { change, plan } = status ?? {};
    const isOwn = ({ metadata: { ownerReferences = [] } }: KubeObject) =>
      ownerReferences.some(({ uid }) => uid === metadata.uid);
    const stored = (await client.list<Plan>(plans, { namespace })).items.filter(isOwn);
    const kept = (await client.list<Snapshot>(snapshots, { namespace })).items.filter(isOwn);
    const known = [change?.snapshot, change?.healthySnapshot, change?.previousSnapshot];
    return [
      ...stored.filter(({ spec }) => spec.digest !== plan?.digest),
      ...kept.filter(({ spec }) => !known.includes(spec.contentDigest)),
    ].map(({ kind, metadata: { name } }) => `${kind} ${name} is an orphan`);
  }

  /** The records of the audit trail. */
  async trail(): Promise<AuditRecord[]> {
    const { kind, bed, controller } = this.#o;
    const { namespace } = bed;
    return controller.trail({ kind, namespace, name: this.name, uid: '' });
  }

  stop(): Promise<void> {
    return this.#seen.stop();
  }
}

/** Returns those records of a trail that tell once more of what was told before. */
export function repeatedRecords(trail: readonly AuditRecord[]): string[] {
  const told = trail.map(({ action, phase, revision, what, why }) =>
    [action, phase, revision, what?.plan, why?.text].join(' '),
  );
  return told.filter((text, index) => told.indexOf(text) !== index);
}
