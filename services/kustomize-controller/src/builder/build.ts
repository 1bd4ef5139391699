import { join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';
import { errorMessage, parseYamlStream } from '@sluice/shared/base';
import { type Kustomize, KustomizeError } from '@sluice/shared/cli';
import { createBuildTree } from './build-tree.ts';
import { buildFailed } from './errors.ts';
import { findBrokenFile } from './explain.ts';
import type { BuildPlan } from './plan.ts';

/** How to carry out a build. */
export interface BuildOptions {
  kustomize: Kustomize;
  /** Where private directories are made. */
  tempDir: string;
  /** What kustomize reads instead of encrypted files, by their paths. */
  decrypted: ReadonlyMap<string, Buffer | string>;
  timeoutMs: number;
  signal?: AbortSignal;
}

function checkObject(value: unknown): KubeObject {
  const object = value as Partial<KubeObject> | null;
  const { apiVersion, kind } = object ?? {};
  const name = object?.metadata?.name;
  if (
    typeof apiVersion !== 'string' ||
    typeof kind !== 'string' ||
    typeof name !== 'string' ||
    name === ''
  ) {
    throw buildFailed(
      `the build yields an object without apiVersion, kind or metadata.name: apiVersion '${apiVersion}', kind '${kind}', name '${name}'`,
    );
  }
  return object as KubeObject;
}

function itemsOf(value: unknown): unknown[] {
  const list = value as { kind?: unknown; items?: unknown } | null;
  const isList = typeof list?.kind === 'string' && list.kind.endsWith('List');
  return isList && Array.isArray(list.items) ? list.items : [value];
}

/**
 * Builds the objects of a plan with kustomize.
 *
 * @returns the objects in the order of kustomize, and the size of its output in bytes
 * @throws RetryableError BuildFailed, which names file and line when a file is broken
 */
export async function runBuild(
  plan: BuildPlan,
  o: BuildOptions,
): Promise<{ objects: KubeObject[]; bytes: number }> {
  if (plan.empty) return { objects: [], bytes: 0 };
  const tree = await createBuildTree(plan.files.root, plan.scan, o);
  try {
    const output = await o.kustomize.build(join(tree.dir, plan.dir), {
      timeoutMs: o.timeoutMs,
      signal: o.signal,
      scratchDir: tree.scratchDir,
    });
    const documents = parseYamlStream(output, 'kustomize output');
    return { objects: documents.flatMap(itemsOf).map(checkObject), bytes: output.length };
  } catch (error) {
    if (!(error instanceof KustomizeError)) throw error;
    const broken = await findBrokenFile(plan.files, plan.scan);
    const message = errorMessage(error).replaceAll(`${tree.dir}/`, '').replaceAll(tree.dir, '.');
    throw buildFailed(broken === undefined ? message : `kustomize build failed: ${broken}`, error);
  } finally {
    await tree.remove();
  }
}
