import { join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';
import { type ApiResource, coreResources, gvkOf, isNotFound } from '@sluice/shared/kube';
import { testCluster, testNamespace } from '@sluice/testing';
import type { Bed, ChartFiles } from '../helm-release/harness.ts';
import type { Options } from './charts/case.ts';
import { differences, type Mismatch, type Row } from './compare.ts';
import { observe, type Scope, type View } from './observe.ts';
import { HelmSide, historyOf, OurSide, type Published, publish } from './sides.ts';

/** What is compared. */
export interface ComparisonOptions {
  /** Unique in the test file. */
  name: string;
  releaseName: string;
  options?: Options;
  recovery?: 'rollback' | 'upgrade';
  tests?: boolean;
  existing?: readonly KubeObject[];
  /** Places in which the sides differ on purpose. */
  differs?: Readonly<Record<string, string>>;
  /** Where files go. */
  dir: string;
}

/** One chart, released by helm in one namespace and by the controller in another. */
export class Comparison {
  readonly helm: HelmSide;
  readonly ours: OurSide;
  readonly #mismatches: Mismatch[] = [];
  readonly row: Row;
  readonly #bed: Bed;
  readonly #kubeconfig: string;
  readonly #o: ComparisonOptions;
  readonly #kinds = new Map<string, ApiResource>();

  private constructor(
    o: ComparisonOptions,
    { bed, kubeconfig, namespaces }: { bed: Bed; kubeconfig: string; namespaces: [string, string] },
  ) {
    this.#o = o;
    this.#bed = bed;
    this.#kubeconfig = kubeconfig;
    const { name, releaseName, dir, options = {}, recovery = 'rollback', tests = false } = o;
    const side = { name, releaseName, options, recovery, tests };
    const [helm, ours] = namespaces;
    this.helm = new HelmSide({ ...side, namespace: helm, dir: join(dir, helm) }, kubeconfig);
    this.ours = new OurSide({ ...side, namespace: ours, dir: join(dir, ours) }, bed);
    this.row = {
      name,
      steps: 0,
      objects: 0,
      releases: 0,
      histories: 0,
      failures: 0,
      intended: 0,
      // Until all was compared.
      mismatches: 1,
    };
  }

  /** Makes the namespaces, with the objects that are there before. */
  static async start(bed: Bed, o: ComparisonOptions): Promise<Comparison> {
    const { client, kubeconfigPath: kubeconfig } = await testCluster();
    const make = () => testNamespace(client, 'diff');
    const namespaces: [string, string] = [await make(), await make()];
    const comparison = new Comparison(o, { bed, kubeconfig, namespaces });
    for (const namespace of namespaces) {
      comparison.#kinds.set('v1/ConfigMap', coreResources.configMaps);
      for (const object of o.existing ?? []) {
        const metadata = { ...object.metadata, namespace };
        const resource = await client.mapper.resourceFor(gvkOf(object));
        await client.create(resource, { ...object, metadata }, { fieldManager: 'somebody' });
      }
    }
    return comparison;
  }

  /** Gives both sides a chart, in which `@NS@` stands for the namespace of each. */
  async chart(files: ChartFiles): Promise<[Published, Published]> {
    const step = this.row.steps;
    const { customResourceDefinitions } = coreResources;
    if (Object.keys(files).some((path) => path.startsWith('crds/')))
      this.#kinds.set('CustomResourceDefinition', customResourceDefinitions);
    const publishFor = (side: HelmSide | OurSide, letter: string) =>
      publish(this.#bed, {
        source: `${this.#o.name}-${step}${letter}`,
        dir: join(this.#o.dir, side.namespace),
        files: Object.fromEntries(
          Object.entries(files).map(([path, text]) => [
            path,
            text.replaceAll('@NS@', side.namespace),
          ]),
        ),
      });
    return [await publishFor(this.helm, 'h'), await publishFor(this.ours, 'o')];
  }

  /**
   * Lets both sides do something, and compares what came of it. Returns how each failed.
   *
   * @param o.fails whether that is expected
   */
  async step(
    name: string,
    [helm, ours]: readonly [() => Promise<string | undefined>, () => Promise<string | undefined>],
    o: { fails?: boolean } = {},
  ): Promise<[string | undefined, string | undefined]> {
    const failures = await Promise.all([helm(), ours()]);
    this.row.steps++;
    if (!o.fails && failures.some((failure) => failure !== undefined))
      throw new Error(`${name} failed:\nhelm: ${failures[0]}\nours: ${failures[1]}`);
    if ((failures[0] === undefined) !== (failures[1] === undefined))
      this.#note(name, [{ path: '.failed', helm: failures[0], ours: failures[1] }]);
    const [theirs, own] = await Promise.all([
      observe(this.#scope(this.helm.namespace)),
      observe(this.#scope(this.ours.namespace)),
    ]);
    this.row.objects += Object.keys(theirs.objects).length;
    this.row.releases += Object.keys(theirs.releases).length;
    this.#note(name, differences(theirs, own satisfies View));
    return failures;
  }

  /** Lets both sides uninstall, and compares what is left. */
  async uninstallation(): Promise<void> {
    await this.step('uninstallation', [
      async () => void (await this.helm.uninstall()),
      async () => void (await this.ours.uninstall()),
    ]);
  }

  /** Compares what the helm CLI says of the history of each. */
  async history(name: string): Promise<void> {
    const { releaseName } = this.#o;
    const [theirs, own] = await Promise.all(
      [this.helm, this.ours].map(({ namespace }) =>
        historyOf(this.#kubeconfig, { releaseName, namespace }),
      ),
    );
    this.row.histories++;
    this.#note(name, differences(theirs, own, '.history'));
  }

  /** Makes sure that both failures name the same things. */
  meaning(
    name: string,
    [helm = '', ours = '']: readonly (string | undefined)[],
    says: readonly string[],
  ): void {
    this.row.failures++;
    const wanted = [...says, ...placesIn(helm)];
    const missing = wanted.filter((text) => !helm.includes(text) || !ours.includes(text));
    this.#note(
      name,
      missing.map((text) => ({ path: `.failure: ${text}`, helm, ours })),
    );
  }

  /** Returns what differs without being meant to, or is meant to differ and does not. */
  finish(): Mismatch[] {
    const { differs = {} } = this.#o;
    const found = new Set(this.#mismatches.map(({ path }) => path));
    const stale = Object.keys(differs).filter((path) => !found.has(path));
    const unintended = this.#mismatches.filter(({ path }) => differs[path] === undefined);
    const same = stale.map((path) => ({ path, helm: 'is meant to differ', ours: 'is the same' }));
    this.row.intended = this.#mismatches.length - unintended.length;
    this.row.mismatches = unintended.length + same.length;
    return [...unintended, ...same];
  }

  /** Deletes what no uninstallation deletes: cluster-wide objects. */
  async cleanUp(): Promise<void> {
    const { client } = this.#bed;
    for (const resource of [...this.#kinds.values()].filter(({ namespaced }) => !namespaced)) {
      const { items } = await client.list<KubeObject>(resource, { metadataOnly: true });
      for (const { metadata } of items) {
        const { namespace } = this.helm;
        if (![namespace, this.ours.namespace].some((part) => metadata.name.includes(part)))
          continue;
        await client.delete(resource, metadata).catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
      }
    }
  }

  #scope(namespace: string): Scope {
    // The charts name a second namespace like this.
    const namespaces = [namespace, `${namespace}-more`];
    return { client: this.#bed.client, namespace, namespaces, kinds: this.#kinds };
  }

  #note(step: string, found: readonly Mismatch[]): void {
    this.#mismatches.push(
      ...found.map(({ path, ...rest }) => ({ path: `${step}${path}`, ...rest })),
    );
  }
}

/** The places in templates that a failure names, with their lines. */
function placesIn(text: string): string[] {
  return [...new Set(text.match(/[\w./-]+\.(?:ya?ml|tpl|txt):\d+/g))];
}
