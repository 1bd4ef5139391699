import { errorMessage, parseYamlStream } from '@sluice/shared/base';
import type { ArtifactFiles } from './artifact-files.ts';
import type { ScanResult } from './scan.ts';

const maxFiles = 2000;
const maxFileBytes = 4 * 1024 * 1024;

function problemIn(text: string, path: string, isResource: boolean): string | undefined {
  try {
    for (const document of parseYamlStream(text, path)) {
      if (!isResource) continue;
      if (typeof document !== 'object' || document === null || Array.isArray(document))
        return `${path}: not a Kubernetes object: a YAML mapping is expected`;
      for (const field of ['apiVersion', 'kind'])
        if (!(field in document)) return `${path}: not a Kubernetes object: '${field}' is missing`;
    }
    return undefined;
  } catch (error) {
    return `broken YAML: ${errorMessage(error)}`;
  }
}

/**
 * Looks for the file because of which kustomize may have refused a build. Called only after a failure, so that a
 * good build pays nothing for it.
 *
 * @returns file, line and problem of the first one that is not well-formed
 */
export async function findBrokenFile(
  files: ArtifactFiles,
  scan: ScanResult,
): Promise<string | undefined> {
  let count = 0;
  for (const path of [...scan.plain].sort()) {
    if (!/\.ya?ml$/.test(path)) continue;
    if (++count > maxFiles) return undefined;
    const content = await files.read(path);
    if (content.length > maxFileBytes) continue;
    const problem = problemIn(content.toString(), path, scan.resources.has(path));
    if (problem !== undefined) return problem;
  }
  return undefined;
}
