import { posix } from 'node:path';
import type { ArtifactFiles } from './artifact-files.ts';
import { findKustomizationFile, type KustomizationFile } from './kustomization-file.ts';

const maxDepth = 64;

async function collect(
  files: ArtifactFiles,
  root: string,
  dir: string,
  depth: number,
): Promise<string[]> {
  const found: string[] = [];
  for (const name of await files.list(dir)) {
    const path = posix.join(dir, name);
    const relative = `./${posix.relative(root, path)}`;
    const kind = await files.kindOf(path);
    if (kind === 'file' && /\.ya?ml$/.test(name)) found.push(relative);
    if (kind !== 'directory' || depth >= maxDepth) continue;
    if ((await findKustomizationFile(files, path)) !== undefined) found.push(relative);
    else found.push(...(await collect(files, root, path, depth + 1)));
  }
  return found;
}

/**
 * Makes the kustomization file for a directory that has none: all YAML files below it, and each directory below it
 * that has a kustomization file of its own.
 */
export async function generateKustomizationFile(
  files: ArtifactFiles,
  dir: string,
): Promise<KustomizationFile> {
  return {
    path: posix.join(dir, 'kustomization.yaml'),
    content: {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      resources: await collect(files, dir, dir, 0),
    },
  };
}
