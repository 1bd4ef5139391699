import {
  type Approval,
  approvalKind,
  type KindDefinition,
  type KubeObject,
  windowKind,
} from '@sluice/shared/api';
import { createInformer, isNotFound, resourceOf } from '@sluice/shared/kube';
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
  readonly seen: { name: string; value: string }[] = [];
  readonly gone: string[] = [];
  #commits = 0;
  #edits = 0;
  #value = '';
  #present: string[] = [];
  #applied: string[] = [];
  #digests: string[] = [];
  #isClosed = false;

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
    const files = present.map((one) => [
      `${one}.yaml`,
      configMap(`${this.#name}-${one}`, { v: this.#value }),
    ]);
    // A source with no change at all has no new revision.
    await bed.publish(Object.fromEntries(files), `r${this.#commits}`, this.#name);
    if (this.#commits === 1) await this.#create();
    await this.#plan();
  }

  #create() {
    const sourceRef = { kind: 'ExternalArtifact' as const, name: this.#name };
    return bed.apply({ sourceRef, changePolicy: { mode: 'Approve' } }, this.#name);
  }

  /** Waits until the newest commit waits, and returns the digest of its plan. */
  async #plan(): Promise<string> {
    const revision = `r${this.#commits}`;
    const { status } = await bed.when(
      ({ status }) => status?.held !== undefined && status.plan?.revision === revision,
      this.#name,
    );
    const digest = status?.plan?.digest ?? '';
    if (this.#digests.at(-1) !== digest) this.#digests.push(digest);
    return digest;
  }

  async #isWaiting(): Promise<boolean> {
    if (this.#commits === 0) return false;
    return (await bed.get(this.#name)).status?.change?.revision !== `r${this.#commits}`;
  }

  async #approve(): Promise<void> {
    if (!(await this.#isWaiting())) return;
    const digest = await this.#plan();
    const { status } = await bed.get(this.#name);
    if (status?.held?.reason === 'Rejected') return this.#decide(digest, 'Approve');
    if (!this.#isClosed) {
      this.allowed.add(this.#value);
      for (const name of names) if (!this.#present.includes(name)) this.mayGo.add(name);
    }
    await this.#decide(digest, 'Approve');
    if (this.#isClosed) return;
    await bed.ready(`r${this.#commits}`, this.#name);
    this.#applied = this.#present;
  }

  async #reject(): Promise<void> {
    if (!(await this.#isWaiting())) return;
    await this.#decide(await this.#plan(), 'Reject');
    await bed.when(({ status }) => status?.held?.reason === 'Rejected', this.#name);
  }

  async #decide(planDigest: string, decision: 'Approve' | 'Reject'): Promise<void> {
    await bed.client.create(approvals, {
      apiVersion: 'delivery.sluice.dev/v1alpha1',
      kind: 'Approval',
      metadata: { generateName: `${this.#name}-`, namespace: bed.namespace } as Approval['metadata'],
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
    // The controller has seen it once it says so of a change that would wait for nothing else.
    const probe = `${this.#name}-probe-${this.#commits}-${this.#edits}`;
    await bed.publish({ 'p.yaml': configMap(probe) }, 'p1', probe);
    await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name: probe } }, probe);
    await bed.when(
      ({ status }) => status?.held?.reason === 'Window' || status?.lastAppliedRevision === 'p1',
      probe,
    );
    await bed.when(({ status }) => status?.held?.reason === 'Window', probe).catch(() => undefined);
    await bed.remove(probe);
  }

  async #open(): Promise<void> {
    if (!this.#isClosed) return;
    // Whatever was approved meanwhile is applied from now on.
    if (await this.#isWaiting()) {
      this.allowed.add(this.#value);
      for (const name of names) if (!this.#present.includes(name)) this.mayGo.add(name);
    }
    this.#isClosed = false;
    await bed.client.delete(windows, { namespace: bed.namespace, name: `${this.#name}-freeze` });
  }
}
