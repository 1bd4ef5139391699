import type { Condition, KubeObject } from '@sluice/shared/api';
import {
  gitRepositoryKind,
  helmChartKind,
  helmReleaseKind,
  type KindDefinition,
  kustomizationKind,
} from '@sluice/shared/api';
import {
  createInformer,
  type Informer,
  type KubeClient,
  keyOf,
  resourceOf,
} from '@sluice/shared/kube';
import { demoNamespace } from './demo.ts';

interface PlanSummary {
  digest: string;
  create: number;
  change: number;
  delete: number;
}

/** A plan that is applied once somebody approves it. */
export interface WaitingPlan extends PlanSummary {
  kind: string;
  namespace: string;
  name: string;
}

interface ReconciledObject extends KubeObject {
  status?: {
    observedGeneration?: number;
    conditions?: Condition[];
    artifact?: { revision: string };
    lastAppliedRevision?: string;
    history?: { chartVersion: string }[];
    held?: { reason: string };
    plan?: PlanSummary;
  };
}

export interface Row {
  kind: string;
  name: string;
  ready: string;
  revision: string;
  message: string;
}

const maxNotes = 12;
const shownKinds = [
  gitRepositoryKind,
  kustomizationKind,
  helmChartKind,
  helmReleaseKind,
] as KindDefinition[];

/** What the demo shows: the reconciled objects and the notifications that arrived. */
export class View {
  readonly #informers: Informer<ReconciledObject>[];
  readonly #notes: string[] = [];
  readonly #out: NodeJS.WriteStream;
  readonly #live: boolean;
  readonly #approveCommand: (plan: WaitingPlan) => string;
  readonly footer: readonly string[];
  #changed = Promise.withResolvers<void>();
  #lastLines = new Map<string, string>();

  constructor(o: {
    client: KubeClient;
    out: NodeJS.WriteStream;
    live: boolean;
    footer: string[];
    /** The command that approves a plan. */
    approveCommand: (plan: WaitingPlan) => string;
  }) {
    this.#out = o.out;
    this.#live = o.live;
    this.footer = o.footer;
    this.#approveCommand = o.approveCommand;
    this.#informers = shownKinds.map((kind) =>
      createInformer<ReconciledObject>({
        client: o.client,
        resource: resourceOf(kind),
        namespace: demoNamespace,
      }),
    );
    for (const informer of this.#informers) informer.onEvent(() => this.#update());
  }

  start(): void {
    for (const informer of this.#informers) informer.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.stop()));
  }

  /** Shows a notification that arrived. */
  note(text: string): void {
    this.#notes.push(text);
    if (this.#notes.length > maxNotes) this.#notes.shift();
    if (!this.#live) this.#out.write(`notification: ${text}\n`);
    this.#update();
  }

  rows(): Row[] {
    return this.#informers
      .flatMap((informer) => informer.list().map(rowOf))
      .sort((a, b) => keyOfRow(a).localeCompare(keyOfRow(b)));
  }

  /** The plans that wait for somebody to approve them. */
  plans(): WaitingPlan[] {
    return this.#informers.flatMap((informer) => informer.list().flatMap(planOf));
  }

  /** Resolves with the first plan that waits to be approved; rejects with the signal's reason. */
  async planToApprove(signal: AbortSignal): Promise<WaitingPlan> {
    await this.#until(() => this.plans().length > 0, signal);
    return this.plans()[0] as WaitingPlan;
  }

  /** Resolves when every object in Git is there and Ready; rejects with the signal's reason. */
  allReady(expected: number, signal: AbortSignal): Promise<void> {
    return this.#until(() => {
      const rows = this.rows();
      return rows.length >= expected && rows.every((row) => row.ready === 'True');
    }, signal);
  }

  async #until(isDone: () => boolean, signal: AbortSignal): Promise<void> {
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    while (!isDone()) await Promise.race([this.#changed.promise, aborted]);
  }

  /** The table of objects, one line each. */
  table(): string[] {
    const rows = [
      { kind: 'KIND', name: 'NAME', ready: 'READY', revision: 'REVISION', message: 'MESSAGE' },
      ...this.rows(),
    ];
    const width = (of: (row: Row) => string) => Math.max(...rows.map((row) => of(row).length));
    const [kind, name, revision] = [
      width((r) => r.kind),
      width((r) => r.name),
      width((r) => r.revision),
    ];
    return rows.map(
      (r) =>
        `${r.kind.padEnd(kind)}  ${r.name.padEnd(name)}  ${r.ready.padEnd(7)}  ${r.revision.padEnd(revision)}  ${r.message}`,
    );
  }

  #update(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
    if (this.#live) this.#redraw();
    else this.#printChanges();
  }

  #redraw(): void {
    const cut = (line: string) => line.slice(0, this.#out.columns ?? 120);
    const lines = [
      'Sluice',
      '',
      ...this.table(),
      '',
      ...this.#planLines(),
      'Notifications',
      ...this.#notes,
      '',
      ...this.footer,
    ];
    this.#out.write(`\x1b[H\x1b[2J${lines.map(cut).join('\n')}\n`);
  }

  #planLines(): string[] {
    const plans = this.plans();
    if (plans.length === 0) return [];
    const lines = plans.flatMap((plan) => [textOf(plan), this.#approveCommand(plan)]);
    return ['Waiting to be approved', ...lines, ''];
  }

  #printChanges(): void {
    for (const plan of this.plans()) {
      const line = `${textOf(plan)}\nApprove it:    ${this.#approveCommand(plan)}`;
      this.#printChanged(`plan of ${plan.kind}/${plan.namespace}/${plan.name}`, line);
    }
    for (const row of this.rows()) {
      const line =
        `${row.kind}/${row.name}: Ready=${row.ready} ${row.revision} ${row.message}`.trimEnd();
      this.#printChanged(keyOfRow(row), line);
    }
  }

  #printChanged(key: string, line: string): void {
    if (this.#lastLines.get(key) === line) return;
    this.#lastLines.set(key, line);
    this.#out.write(`${line}\n`);
  }
}

function keyOfRow(row: Row): string {
  return `${row.kind}/${row.name}`;
}

function planOf({ kind, metadata, status }: ReconciledObject): WaitingPlan[] {
  if (status?.held?.reason !== 'Approval' || status.plan === undefined) return [];
  const { namespace = '', name } = metadata;
  return [{ kind, namespace, name, ...status.plan }];
}

function textOf(plan: WaitingPlan): string {
  return `${plan.kind}/${plan.namespace}/${plan.name}: plan ${plan.digest}: ${plan.create} to create, ${plan.change} to change, ${plan.delete} to delete`;
}

function rowOf(object: ReconciledObject): Row {
  const { status } = object;
  const ready = status?.conditions?.find((condition) => condition.type === 'Ready');
  const isCurrent = status?.observedGeneration === object.metadata.generation;
  return {
    kind: object.kind,
    name: keyOf(object),
    ready: ready?.status === 'True' && !isCurrent ? 'Unknown' : (ready?.status ?? 'Unknown'),
    revision: (
      status?.lastAppliedRevision ??
      status?.artifact?.revision ??
      status?.history?.[0]?.chartVersion ??
      ''
    ).replace(/(sha\d+:[0-9a-f]{8})[0-9a-f]+/, '$1'),
    message: ready?.message.split('\n')[0] ?? '',
  };
}
