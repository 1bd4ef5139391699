import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';
import {
  controllerNames,
  localImages,
  type PodImage,
  type PodNode,
  type RunningPod,
  runHelm,
  toolPath,
} from '@sluice/testing';
import { dump } from 'js-yaml';
import { bundleService } from '../../../tools/bundle/bundle.ts';
import { nodeEnvironment, nodeFlagsOf } from '../../../tools/bundle/node-flags.ts';
import { type ChartName, packageCharts } from '../../../tools/charts/package.ts';
import { timeoutMs } from '../world.ts';

export type Charts = Record<ChartName, string>;

/** Images made of bundles of the present sources. */
export async function bundledImages(dir: string): Promise<(reference: string) => PodImage> {
  for (const name of [...controllerNames, 'source-watcher'])
    await bundleService(name, join(dir, name));
  return localImages({ bundles: dir, nodeFlagsOf, nodeEnvironment });
}

/** Packs the charts of the present sources. */
export function packCharts(dir: string): Promise<Charts> {
  return packageCharts({ helm: toolPath('helm'), dir });
}

/** A release of one of the charts. */
export interface Release {
  name: string;
  namespace: string;
  /** Path of the package. */
  chart: string;
  values?: object;
}

/** `helm upgrade --install`, with the values in a file. */
export async function installRelease(
  access: { kubeconfigPath: string; dir: string },
  { name, namespace, chart, values = {} }: Release,
): Promise<void> {
  const file = join(access.dir, `values-${namespace}-${name}.yaml`);
  await writeFile(file, dump(values));
  const target = ['--namespace', namespace, '--create-namespace', '--values', file];
  const kubeconfig = ['--kubeconfig', access.kubeconfigPath];
  await runHelm(['upgrade', '--install', name, chart, ...target, ...kubeconfig], access.dir);
}

/** What a claim of the NATS servers binds to, for there is no storage class: a folder. */
export async function volumeFor(folder: string, name: string): Promise<KubeObject> {
  await mkdir(folder, { recursive: true });
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      capacity: { storage: '16Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Delete',
      hostPath: { path: folder },
    },
  } as KubeObject;
}

/** Waits until these controllers, and NATS if told so, answer their readiness probes. */
export async function untilAllReady(
  node: PodNode,
  namespace: string,
  o: { names?: readonly string[]; nats?: boolean } = {},
): Promise<Record<string, RunningPod>> {
  const { names = controllerNames, nats = true } = o;
  if (nats) await node.untilReady(namespace, { 'app.kubernetes.io/name': 'nats' }, timeoutMs);
  const pods: Record<string, RunningPod> = {};
  for (const name of names) pods[name] = await node.untilReady(namespace, { app: name }, timeoutMs);
  return pods;
}
