import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { temporaryFolder, toolPath } from '@sluice/testing';
import { loadAll } from 'js-yaml';
import { type ChartName, packageCharts } from '../../charts/package.ts';

const run = promisify(execFile);

/** An object as a chart renders it. */
export interface Rendered {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  // biome-ignore lint/suspicious/noExplicitAny: the form differs by kind, and the API server checks it in another test.
  [field: string]: any;
}

export const namespace = 'flux-system';

let packed: Promise<Record<ChartName, string>> | undefined;

/** Packs the charts once for a test file; they go when the process ends. */
export function packages(): Promise<Record<ChartName, string>> {
  packed ??= temporaryFolder('charts').then(({ path }) =>
    packageCharts({ helm: toolPath('helm'), dir: path, version: '1.2.3' }),
  );
  return packed;
}

/** Runs helm; what it prints. */
export async function helm(args: readonly string[], kubeconfig?: string): Promise<string> {
  const home = (await packages()).sluice.replace(/\/[^/]*$/, '');
  const env = { HOME: home, ...(kubeconfig !== undefined && { KUBECONFIG: kubeconfig }) };
  const { stdout } = await run(toolPath('helm'), [...args], { env, maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

const rendered = new Map<string, Promise<Rendered[]>>();

/** Renders a chart, as the release `sluice`, with settings such as `logLevel=debug`. The same again is not done again. */
export function render(chart: ChartName, settings: readonly string[] = []): Promise<Rendered[]> {
  const key = [chart, ...settings].join(' ');
  const known = rendered.get(key) ?? renderAnew(chart, settings);
  rendered.set(key, known);
  return known.then((objects) => structuredClone(objects));
}

async function renderAnew(chart: ChartName, settings: readonly string[]): Promise<Rendered[]> {
  const path = (await packages())[chart];
  const sets = settings.flatMap((setting) => ['--set-json', jsonSetting(setting)]);
  const text = await helm(['template', 'sluice', path, '--namespace', namespace, ...sets]);
  return (loadAll(text) as (Rendered | null)[]).filter((object) => object !== null);
}

/** Texts need no quotes in a test. */
function jsonSetting(setting: string): string {
  const at = setting.indexOf('=');
  const value = setting.slice(at + 1);
  const isJson = /^([[{"]|-?[0-9]+$|true$|false$|null$)/.test(value);
  return `${setting.slice(0, at)}=${isJson ? value : JSON.stringify(value)}`;
}

/** Finds an object. */
export function find(objects: readonly Rendered[], kind: string, name: string): Rendered {
  const found = objects.find((each) => each.kind === kind && each.metadata.name === name);
  if (found === undefined) throw new Error(`${kind} ${name} is not rendered`);
  return found;
}

/** The names of the objects of a kind, in order. */
export function names(objects: readonly Rendered[], kind: string): string[] {
  return objects
    .filter((object) => object.kind === kind)
    .map(({ metadata }) => metadata.name)
    .sort();
}

/** Names an object uniquely in a cluster. */
export function identity({ apiVersion, kind, metadata }: Rendered): string {
  return [apiVersion, kind, metadata.namespace ?? '', metadata.name].join('/');
}

/** The arguments of a Deployment's container. */
export function argsOf(deployment: Rendered): string[] {
  return deployment['spec'].template.spec.containers[0].args;
}
