import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HelmRelease, HelmReleaseSpec, KubeObject } from '@sluice/shared/api';
import { yamlFromJson } from '@sluice/shared/base';
import { runCommand } from '@sluice/shared/cli';
import { toolPath } from '@sluice/testing';
import type { Values } from '../../src/release/release.ts';
import {
  type Bed,
  type ChartFiles,
  conditionOf,
  configMaps,
  helmReleases,
} from '../helm-release/harness.ts';
import type { CaseValues, Options } from './charts/case.ts';

/** A chart as both sides get it: in one archive. */
export interface Published {
  /** Name of the ExternalArtifact. */
  source: string;
  /** The same archive, for helm. */
  path: string;
}

/** One side of the comparison, with a namespace of its own. Failures come back as what was said of them. */
export interface Side {
  namespace: string;
  install(chart: Published, values: CaseValues): Promise<string | undefined>;
  upgrade(chart: Published, values: CaseValues): Promise<string | undefined>;
  uninstall(): Promise<void>;
}

/** What both sides are told. */
export interface SideOptions {
  /** Of the HelmRelease. */
  name: string;
  releaseName: string;
  namespace: string;
  /** Where files go. */
  dir: string;
  options: Options;
  recovery: 'rollback' | 'upgrade';
  tests: boolean;
}

const timeout = '1m';

/** Publishes a chart, and downloads it for helm. */
export async function publish(
  bed: Bed,
  o: { files: ChartFiles; source: string; dir: string },
): Promise<Published> {
  const { url } = await bed.publish(o.files, '1.0.0', o.source);
  const path = join(o.dir, `${o.source}.tgz`);
  await mkdir(o.dir, { recursive: true });
  const answer = await fetch(url);
  await writeFile(path, Buffer.from(await answer.arrayBuffer()));
  return { source: o.source, path };
}

/** Halves the CPU time of helm, as in libs/shared/src/cli/helm.ts. */
const fastStart = { LC_ALL: 'zh_TW.UTF-8', GOGC: '400', GOMAXPROCS: '1' };

/** Runs helm; returns what it wrote to standard error if it failed. */
async function runHelm(
  kubeconfig: string,
  args: string[],
): Promise<{ stdout: string; failure?: string }> {
  const { exitCode, stdout, stderr } = await runCommand({
    file: toolPath('helm'),
    args,
    env: { KUBECONFIG: kubeconfig, HOME: '/nonexistent', ...fastStart },
    timeoutMs: 60_000,
    maxOutputBytes: 16 * 1024 * 1024,
  });
  return exitCode === 0 ? { stdout } : { stdout, failure: stderr };
}

/** The side of the helm CLI, with flags that mean what Flux does by default. */
export class HelmSide implements Side {
  readonly namespace: string;
  readonly #o: SideOptions;
  readonly #kubeconfig: string;
  #files = 0;

  constructor(o: SideOptions, kubeconfig: string) {
    this.namespace = o.namespace;
    this.#o = o;
    this.#kubeconfig = kubeconfig;
  }

  async install({ path }: Published, values: CaseValues): Promise<string | undefined> {
    const flags = ['--server-side=true', ...common, '--take-ownership', '--wait-for-jobs'];
    return this.#release('install', path, values, [...flags, ...(this.#o.options.install ?? [])]);
  }

  async upgrade({ path }: Published, values: CaseValues): Promise<string | undefined> {
    const { upgrade = [] } = this.#o.options;
    // helm takes one of them.
    const shared = upgrade.includes('--force-replace') ? common.slice(1) : common;
    const flags = ['--server-side=auto', ...shared, '--take-ownership', '--wait-for-jobs'];
    flags.push('--history-max=5');
    if (!upgrade.includes('--reuse-values')) flags.push('--reset-values');
    return this.#release('upgrade', path, values, [...flags, ...upgrade]);
  }

  async #release(
    action: string,
    path: string,
    values: CaseValues,
    flags: string[],
  ): Promise<string | undefined> {
    const file = join(this.#o.dir, `values-${this.#files++}.yaml`);
    const yaml = typeof values === 'string' ? values : yamlFromJson(JSON.stringify(values));
    await writeFile(file, yaml);
    const failure = await this.#run(action, path, '-f', file, ...flags);
    if (failure !== undefined || !this.#o.tests) return failure;
    return this.#run('test', `--timeout=${timeout}`);
  }

  async rollback(version: number): Promise<void> {
    const flags = ['--server-side=auto', ...common, '--wait-for-jobs', '--history-max=5'];
    const { rollback = [] } = this.#o.options;
    const failure = await this.#run('rollback', String(version), ...flags, ...rollback);
    if (failure !== undefined) throw new Error(failure);
  }

  async uninstall(): Promise<void> {
    const flags = ['--wait', '--cascade=background', `--timeout=${timeout}`];
    const failure = await this.#run('uninstall', ...flags, ...(this.#o.options.uninstall ?? []));
    if (failure !== undefined) throw new Error(failure);
  }

  async #run(action: string, ...args: string[]): Promise<string | undefined> {
    const { namespace, releaseName } = this.#o;
    const command = [action, `--namespace=${namespace}`, releaseName, ...args];
    return (await runHelm(this.#kubeconfig, command)).failure;
  }
}

const common = ['--force-conflicts', '--wait', `--timeout=${timeout}`];

/** What `helm history` says of a release, without times. */
export async function historyOf(
  kubeconfig: string,
  { releaseName, namespace }: Pick<SideOptions, 'releaseName' | 'namespace'>,
): Promise<unknown> {
  const args = ['history', releaseName, `--namespace=${namespace}`, '--output=json'];
  const { stdout, failure } = await runHelm(kubeconfig, args);
  if (failure !== undefined) throw new Error(failure);
  const lines = JSON.parse(stdout) as { updated: string; description: string }[];
  return lines.map(({ updated: _, description, ...line }) => ({
    ...line,
    description: description.replace(/^(.*?failed: ).*$/s, '$1'),
  }));
}

/** Our side: the controller, told by a HelmRelease. */
export class OurSide implements Side {
  readonly namespace: string;
  readonly #o: SideOptions;
  readonly #bed: Bed;
  #files = 0;

  constructor(o: SideOptions, bed: Bed) {
    this.namespace = o.namespace;
    this.#o = o;
    this.#bed = bed;
  }

  async install(chart: Published, values: CaseValues): Promise<string | undefined> {
    const { name, releaseName, namespace, options, recovery, tests } = this.#o;
    const { spec = {} } = options;
    const remediation = { strategy: 'rollback', remediateLastFailure: true } as const;
    await this.#bed.apply(
      {
        ...(await this.#released(chart, values)),
        releaseName,
        targetNamespace: namespace,
        storageNamespace: namespace,
        timeout,
        ...(tests && { test: { enable: true } }),
        ...spec,
        upgrade: { ...spec.upgrade, ...(recovery === 'rollback' && { remediation }) },
      },
      name,
    );
    return this.#settled(1);
  }

  async upgrade(chart: Published, values: CaseValues): Promise<string | undefined> {
    const { name } = this.#o;
    const fields = await this.#released(chart, values);
    const patch = Object.entries(fields).map(([field, value]) => ({
      op: 'add',
      path: `/spec/${field}`,
      value,
    }));
    const key = { namespace: this.#bed.namespace, name };
    const changed = await this.#bed.client.patch<HelmRelease>(helmReleases, key, patch, {
      type: 'json',
    });
    return this.#settled(changed.metadata.generation ?? 0);
  }

  async uninstall(): Promise<void> {
    await this.#bed.remove(this.#o.name);
  }

  async #released(chart: Published, values: CaseValues): Promise<Partial<HelmReleaseSpec>> {
    const chartRef = { kind: 'ExternalArtifact', name: chart.source } as const;
    if (typeof values !== 'string') return { chartRef, values, valuesFrom: [] };
    const name = `${this.#o.name}-values-${this.#files++}`;
    const { namespace } = this.#bed;
    const metadata = { name, namespace };
    const object = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata,
      data: { 'values.yaml': values },
    };
    await this.#bed.client.create<KubeObject>(configMaps, object);
    return { chartRef, values: {} as Values, valuesFrom: [{ kind: 'ConfigMap', name }] };
  }

  /** Waits until nothing more will happen; returns what the release failed with. */
  async #settled(generation: number): Promise<string | undefined> {
    const object = await this.#bed.when((o) => isSettled(o, generation), this.#o.name);
    if (conditionOf(object)?.status === 'True') return undefined;
    return conditionOf(object, 'Released')?.message ?? conditionOf(object)?.message ?? '';
  }
}

/** Whether a HelmRelease was dealt with. One of which nothing could be stored is tried again. */
function isSettled({ metadata, status }: HelmRelease, generation: number): boolean {
  const condition = (type: string) => status?.conditions?.find((one) => one.type === type);
  const isCurrent = (metadata.generation ?? 0) >= generation;
  if (!isCurrent || condition('Ready')?.observedGeneration !== metadata.generation) return false;
  if (condition('Ready')?.status === 'True')
    return status?.observedGeneration === metadata.generation;
  if (condition('Stalled')?.status === 'True') return true;
  // The controller may not have seen the chart yet.
  if (condition('Ready')?.reason === 'SourceNotReady') return false;
  const isRetrying = condition('Reconciling')?.reason === 'ProgressingWithRetry';
  return isRetrying && condition('Ready')?.status === 'False';
}
