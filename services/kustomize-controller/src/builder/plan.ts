import { posix } from 'node:path';
import type { KustomizationSpec } from '@sluice/shared/api';
import { digestOfParts, RetryableError, StalledError } from '@sluice/shared/base';
import { ArtifactFiles } from './artifact-files.ts';
import { generateKustomizationFile } from './generate.ts';
import {
  findKustomizationFile,
  type KustomizationFile,
  readKustomizationFile,
} from './kustomization-file.ts';
import { isEmptyKustomization, overlaySpec } from './overlay.ts';
import { type ScanResult, scanKustomization } from './scan.ts';

/** A build that was checked and can be carried out. */
export interface BuildPlan {
  files: ArtifactFiles;
  scan: ScanResult;
  /** Directory to build, from the root of the artifact. */
  dir: string;
  /** There is nothing to build: no objects result. */
  empty: boolean;
  /** There is neither a kustomization file nor any manifest. */
  noManifests: boolean;
  /** Digest of everything that goes into the build; undefined when it fetches something remote. */
  inputDigest: string | undefined;
}

/** What to plan. */
export interface PlanOptions {
  /** Directory of the unpacked artifact. */
  root: string;
  spec: KustomizationSpec;
  noRemoteBases: boolean;
}

function buildDirectory(path: string | undefined): string {
  const cleaned = posix.normalize(`./${path ?? ''}`).replace(/\/+$/, '');
  if (cleaned === '..' || cleaned.startsWith('../')) {
    throw new StalledError(
      'BuildFailed',
      `spec.path '${path}' leads out of the artifact: use a path below its root`,
    );
  }
  return cleaned === '' ? '.' : cleaned;
}

async function findTopFile(
  files: ArtifactFiles,
  dir: string,
): Promise<{ file: KustomizationFile; generated: boolean }> {
  const path = await findKustomizationFile(files, dir);
  if (path === undefined) {
    return { file: await generateKustomizationFile(files, dir), generated: true };
  }
  return { file: await readKustomizationFile(files, path), generated: false };
}

function digestOf(dir: string, scan: ScanResult, files: ArtifactFiles): string {
  const parts = [dir];
  for (const path of [...scan.plain].sort())
    parts.push('file', path, files.digests.get(path) ?? '');
  for (const path of [...scan.rewritten.keys()].sort())
    parts.push('rewritten', path, scan.rewritten.get(path) ?? '');
  return digestOfParts(parts);
}

/**
 * Finds and checks everything that a build of an artifact reads, without building it.
 *
 * @throws StalledError BuildFailed when the spec can never be built
 * @throws RetryableError ArtifactFailed when spec.path does not exist, BuildFailed for input that is not allowed
 */
export async function planBuild(o: PlanOptions): Promise<BuildPlan> {
  const dir = buildDirectory(o.spec.path);
  const files = new ArtifactFiles(o.root);
  if ((await files.kindOf(dir)) !== 'directory') {
    throw new RetryableError(
      'ArtifactFailed',
      `kustomization path not found: spec.path '${o.spec.path}' is not a directory of the artifact`,
    );
  }
  const { file, generated } = await findTopFile(files, dir);
  const resources = file.content['resources'];
  const noManifests = generated && Array.isArray(resources) && resources.length === 0;
  const top = await overlaySpec(files, file, o.spec);
  const scan = await scanKustomization(top, { files, noRemoteBases: o.noRemoteBases });
  return {
    files,
    scan,
    dir,
    empty: isEmptyKustomization(top),
    noManifests,
    inputDigest: scan.remote.length > 0 ? undefined : digestOf(dir, scan, files),
  };
}
