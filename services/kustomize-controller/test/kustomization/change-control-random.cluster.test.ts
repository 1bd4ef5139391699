import {
  type Approval,
  approvalKind,
  type KindDefinition,
  type KubeObject,
  windowKind,
} from '@sluice/shared/api';
import { createInformer, resourceOf } from '@sluice/shared/kube';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, configMap, configMaps, startBed } from './harness.ts';

type ConfigMap = KubeObject & { data?: Record<string, string> };

const approvals = resourceOf(approvalKind as KindDefinition);
const windows = resourceOf(windowKind as KindDefinition);
const names = ['a', 'b', 'c'];
const operations = [
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
type Operation = (typeof operations)[number];

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

/** One Kustomization that somebody keeps changing, and what may be in the cluster because of that. */
class Story {
  readonly #name: string;
  /** Values that may be seen: those of approved commits, and edits. */
  readonly allowed = new Set<string>();
  /** Objects whose deletion was approved, by value of the commit. */
  readonly mayGo = new Set<string>();
  #commits = 0;
  #edits = 0;
  #value = '';
  #present: string[] = [];
  #applied: string[] = [];
  #digests: string[] = [];
  #isClosed = false;
  #isApproved = false;
  #isRejected = false;

  constructor(name: string) {
    this.#name = name;
  }

  async run(operation: Operation): Promise<void> {
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
        return bed.restart();
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
    const files = present.map((one) => [
      `${one}.yaml`,
      configMap(`${this.#name}-${one}`, { v: this.#value }),
    ]);
    // A source with no change at all has no new revision.
    await bed.publish(Object.fromEntries(files), this.#revision, this.#name);
    if (this.#commits === 1) await this.#create();
    await this.#plan();
  }

  #create() {
    const sourceRef = { kind: 'ExternalArtifact' as const, name: this.#name };
    return bed.apply({ sourceRef, changePolicy: { mode: 'Approve' } }, this.#name);
  }

  /** Waits until the newest commit waits, and returns the digest of its plan. */
  async #plan(): Promise<string> {
    const { status } = await bed.when(
      ({ status: now }) => now?.held !== undefined && now.plan?.revision === this.#revision,
      this.#name,
    );
    const digest = status?.plan?.digest ?? '';
    if (this.#digests.at(-1) !== digest) this.#digests.push(digest);
    return digest;
  }

  async #isWaiting(): Promise<boolean> {
    if (this.#commits === 0) return false;
    return (await bed.get(this.#name)).status?.change?.revision !== this.#revision;
  }

  async #approve(): Promise<void> {
    if (!(await this.#isWaiting()) || this.#isRejected) return;
    this.#isApproved = true;
    if (!this.#isClosed) this.#allow();
    // An edit that is yet to be undone makes the plan another one for a moment.
    for (let attempt = 1; attempt <= 10; attempt++) {
      const digest = await this.#plan();
      await this.#decide(digest, 'Approve');
      const { status } = await bed.when(
        ({ status: now }) =>
          now?.held?.reason === 'Window' ||
          now?.change?.revision === this.#revision ||
          (now?.plan !== undefined && now.plan.digest !== digest),
        this.#name,
      );
      if (status?.held?.reason === 'Window') return;
      if (status?.change?.revision === this.#revision) break;
    }
    await bed.ready(this.#revision, this.#name);
    this.#applied = this.#present;
  }

  get #revision(): string {
    return `r${this.#commits}`;
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
      const { status } = await bed.when(
        ({ status: now }) =>
          now?.held?.reason === 'Rejected' ||
          (now?.plan !== undefined && now.plan.digest !== digest),
        this.#name,
      );
      if (status?.held?.reason === 'Rejected') return;
    }
  }

  async #decide(planDigest: string, decision: 'Approve' | 'Reject'): Promise<void> {
    await bed.client.create(approvals, {
      apiVersion: 'delivery.sluice.dev/v1alpha1',
      kind: 'Approval',
      metadata: {
        generateName: `${this.#name}-`,
        namespace: bed.namespace,
      } as Approval['metadata'],
      spec: {
        targetRef: { kind: 'Kustomization', name: this.#name },
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
    await bed.client.patch(
      configMaps,
      { namespace: bed.namespace, name: `${this.#name}-${name}` },
      { data: { v: value } },
      { type: 'merge', fieldManager: 'kubectl-edit' },
    );
  }

  async #close(): Promise<void> {
    if (this.#isClosed || this.#commits === 0) return;
    this.#isClosed = true;
    await bed.client.create(windows, {
      apiVersion: 'delivery.sluice.dev/v1alpha1',
      kind: 'Window',
      metadata: { name: `${this.#name}-freeze`, namespace: bed.namespace },
      spec: { kind: 'Deny', schedule: '* * * * *', duration: '24h', overrun: true },
    } as KubeObject);
    await this.#untilSeen();
  }

  /** Waits until a change that nothing else holds is held by the Window. */
  async #untilSeen(): Promise<void> {
    const probe = `${this.#name}-probe-${this.#commits}-${this.#edits}`;
    for (let attempt = 1; attempt <= 10; attempt++) {
      const revision = `p${attempt}`;
      await bed.publish({ 'p.yaml': configMap(probe, { revision }) }, revision, probe);
      if (attempt === 1)
        await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name: probe } }, probe);
      const { status } = await bed.when(
        ({ status: now }) =>
          now?.held?.reason === 'Window' || now?.lastAppliedRevision === revision,
        probe,
      );
      if (status?.held?.reason === 'Window') break;
    }
    await bed.remove(probe);
  }

  async #open(): Promise<void> {
    if (!this.#isClosed) return;
    this.#isClosed = false;
    const isDue = this.#isApproved && (await this.#isWaiting());
    if (isDue) this.#allow();
    await bed.client.delete(windows, { namespace: bed.namespace, name: `${this.#name}-freeze` });
    if (!isDue) return;
    await bed.ready(this.#revision, this.#name);
    this.#applied = this.#present;
  }
}

/** Every state of the objects of a story, as the API server tells them. */
function witness(story: string) {
  const values: string[] = [];
  const gone: string[] = [];
  const informer = createInformer<ConfigMap>({
    client: bed.client,
    resource: configMaps,
    namespace: bed.namespace,
  });
  informer.onEvent(({ type, object }) => {
    const name = object.metadata.name.slice(story.length + 1);
    if (object.metadata.name !== `${story}-${name}` || !names.includes(name)) return;
    if (type === 'deleted') gone.push(name);
    else values.push(object.data?.['v'] ?? '');
  });
  informer.start();
  return { values, gone, informer };
}

test.each([1, 2])(
  'nothing is ever applied that was not approved, whatever happens in which order (seed %i)',
  async (seed) => {
    const name = `story-${seed}`;
    const { values, gone, informer } = witness(name);
    await informer.synced();
    const story = new Story(name);
    const steps = fc.sample(fc.constantFrom(...operations), { seed, numRuns: 40 });
    for (const step of ['commit' as const, ...steps, 'open the window' as const]) {
      await story.run(step);
      // What was not allowed by now may be there on no account, so the order of things counts.
      expect(
        values.filter((value) => !story.allowed.has(value)),
        step,
      ).toEqual([]);
      expect(
        gone.filter((one) => !story.mayGo.has(one)),
        step,
      ).toEqual([]);
    }
    await informer.stop();
    // The story has come to something.
    expect(new Set(values).size).toBeGreaterThan(5);
  },
  240_000,
);
