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

interface ReconciledObject extends KubeObject {
  status?: {
    observedGeneration?: number;
    conditions?: Condition[];
    artifact?: { revision: string };
    lastAppliedRevision?: string;
    history?: { chartVersion: string }[];
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
  readonly footer: readonly string[];
  #changed = Promise.withResolvers<void>();
  #lastLines = new Map<string, string>();

  constructor(o: { client: KubeClient; out: NodeJS.WriteStream; live: boolean; footer: string[] }) {
    this.#out = o.out;
    this.#live = o.live;
    this.footer = o.footer;
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

  /** Resolves when every object in Git is there and Ready; rejects with the signal's reason. */
  async allReady(expected: number, signal: AbortSignal): Promise<void> {
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    for (;;) {
      const rows = this.rows();
      if (rows.length >= expected && rows.every((row) => row.ready === 'True')) return;
      await Promise.race([this.#changed.promise, aborted]);
    }
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
      'Notifications',
      ...this.#notes,
      '',
      ...this.footer,
    ];
    this.#out.write(`\x1b[H\x1b[2J${lines.map(cut).join('\n')}\n`);
  }

  #printChanges(): void {
    for (const row of this.rows()) {
      const line =
        `${row.kind}/${row.name}: Ready=${row.ready} ${row.revision} ${row.message}`.trimEnd();
      if (this.#lastLines.get(keyOfRow(row)) === line) continue;
      this.#lastLines.set(keyOfRow(row), line);
      this.#out.write(`${line}\n`);
    }
  }
}

function keyOfRow(row: Row): string {
  return `${row.kind}/${row.name}`;
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
