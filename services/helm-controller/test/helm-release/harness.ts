import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type HelmRelease, helmReleaseKind } from '@sluice/shared/api';
import type { Audit } from '@sluice/shared/applier';
import { runCommand } from '@sluice/shared/cli';
import { type ApiResource, coreResources, resourceOf } from '@sluice/shared/kube';
import {
  type ApplierBed,
  type ApplierBedOptions,
  finishJob as endJob,
  startApplierBed,
  toolPath,
} from '@sluice/testing';
import { readConfig } from '../../src/config.ts';
import { startHelmController } from '../../src/start.ts';

export { conditionOf } from '@sluice/testing';

export const helmReleases = resourceOf(helmReleaseKind);
export const deployments: ApiResource = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
};
export const jobs: ApiResource = {
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  namespaced: true,
};
export const { configMaps, secrets } = coreResources;

/** Files of a chart, without its directory. */
export type ChartFiles = Record<string, string>;

/** A helm-controller that sees only the objects of one test, and charts that the test writes. */
export interface Bed extends ApplierBed<HelmRelease> {
  /** Writes a chart for the helm program; returns its directory. */
  write(files: ChartFiles): Promise<string>;
  /** Runs the helm program against the cluster, in the namespace of the test. */
  helm(...args: string[]): Promise<string>;
}

/** A chart with one ConfigMap, whose data is the value `text`. */
export function chart(version = '1.0.0', more: ChartFiles = {}): ChartFiles {
  return {
    'Chart.yaml': `apiVersion: v2\nname: web\nversion: ${version}\nappVersion: "${version}"\n`,
    'values.yaml': 'text: default\n',
    'templates/config.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  text: {{ .Values.text | quote }}\n  version: {{ .Chart.Version }}\n',
    ...more,
  };
}

function rooted(files: ChartFiles): ChartFiles {
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [`web/${path}`, text]));
}

/**
 * Starts a controller in this process.
 *
 * @param flags more flags of the controller
 * @param o as {@link startApplierBed} has it
 */
export async function startBed(
  flags: string[] = [],
  o: Pick<ApplierBedOptions<HelmRelease>, 'wrap' | 'localNetwork' | 'cluster' | 'clock'> & {
    audit?: Audit;
  } = {},
): Promise<Bed> {
  const bed = await startApplierBed<HelmRelease>({
    ...o,
    kind: helmReleaseKind,
    controllerName: 'helm-controller',
    spec: () => ({ chartRef: { kind: 'ExternalArtifact', name: 'source' } }),
    hasReached: ({ status }, version) => status?.history?.[0]?.chartVersion === version,
    start: (args, doors, signal) => startHelmController(readConfig(args, {}), doors, signal),
    flags: [`--helm-renderer=${toolPath('helm-renderer')}`, '--min-retry-delay=100ms', ...flags],
  });
  const { dir, namespace, kubeconfigPath } = bed;
  return {
    ...bed,
    publish: (files, version = '1.0.0', name) => bed.publish(rooted(files), version, name),
    async write(files) {
      const at = await mkdtemp(join(dir, 'chart-'));
      for (const [path, text] of Object.entries(files)) {
        await mkdir(join(at, dirname(path)), { recursive: true });
        await writeFile(join(at, path), text);
      }
      return at;
    },
    async helm(...args) {
      const result = await runCommand({
        file: toolPath('helm'),
        args: ['--namespace', namespace, ...args],
        env: { KUBECONFIG: kubeconfigPath, HOME: dir },
        timeoutMs: 60_000,
        maxOutputBytes: 16 * 1024 * 1024,
      });
      if (result.exitCode !== 0) throw new Error(result.stderr);
      return result.stdout;
    },
  };
}

/** Says that a Job, which nothing runs, has succeeded; waits until there is such a Job. */
export function finishJob({ client, namespace }: Bed, name: string): Promise<void> {
  return endJob(client, { namespace, name });
}

/** Template of a hook's Job that nothing runs: the test says when it is done. */
export const suspendedHook = (events: string): string => `apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-hook
  annotations: { helm.sh/hook: '${events}' }
spec:
  suspend: true
  template:
    spec:
      restartPolicy: Never
      containers: [{ name: hook, image: registry.invalid/hook }]
`;
