import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KubeObject } from '@sluice/shared/api';
import { toolPath } from '@sluice/testing';

/**
 * The baseline of the benchmarks that apply objects: `kubectl apply --server-side`.
 *
 * @param o.dir where the manifests are written
 * @returns milliseconds that kubectl took
 */
export async function kubectlApply(o: {
  kubeconfigPath: string;
  dir: string;
  objects: KubeObject[];
}): Promise<number> {
  const file = join(o.dir, 'baseline.json');
  await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: o.objects }));
  const args = [`--kubeconfig=${o.kubeconfigPath}`, 'apply', '--server-side', `--filename=${file}`];
  const started = performance.now();
  await promisify(execFile)(toolPath('kubectl'), args, { maxBuffer: 2 ** 26 });
  return performance.now() - started;
}
