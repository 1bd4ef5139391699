import { posix } from 'node:path';
import type { KubeObject, KustomizationSpec } from '@sluice/shared/api';
import { RetryableError, StalledError } from '@sluice/shared/base';
import {
  type Kustomize,
  type KustomizeCall,
  KustomizeError,
  type KustomizeSpec,
} from '@sluice/shared/cli';
import { buildFailed } from './errors.ts';

/** What to build. */
export interface BuildInput {
  /** Directory of the unpacked artifact. */
  root: string;
  spec: KustomizationSpec;
}

/** What was built. */
export interface BuildOutput {
  /** In the order of kustomize. */
  objects: KubeObject[];
  /** Size of the objects as JSON. */
  bytes: number;
  /** There is neither a kustomization file nor any manifest. */
  noManifests: boolean;
  /** Everything that was looked at; undefined when something was fetched, which nobody can compare. */
  seen: string | undefined;
  /** What is built, but hardly meant. */
  warnings: string[];
}

function checkObject(value: unknown): KubeObject {
  const object = value as Partial<KubeObject> | null;
  const { apiVersion, kind } = object ?? {};
  const name = object?.metadata?.name;
  const missing = [
    typeof apiVersion !== 'string' && 'apiVersion',
    typeof kind !== 'string' && 'kind',
    (typeof name !== 'string' || name === '') && 'metadata.name',
  ].filter(Boolean);
  if (missing.length > 0)
    throw buildFailed(`the build yields an object without ${missing.join(' and ')}`);
  return object as KubeObject;
}

function itemsOf(value: unknown): unknown[] {
  const list = value as { kind?: unknown; items?: unknown } | null;
  const isList = typeof list?.kind === 'string' && list.kind.endsWith('List');
  return isList && Array.isArray(list.items) ? list.items : [value];
}

/** Whether something is a kustomization of kustomize, which Flux leaves out of what it applies. */
function isConfiguration(value: unknown): boolean {
  const { apiVersion, kind } = (value ?? {}) as Partial<KubeObject>;
  return (
    String(kind).toLowerCase() === 'kustomization' &&
    String(apiVersion).startsWith('kustomize.config.k8s.io/')
  );
}

function directoryOf({ path }: KustomizationSpec): string {
  const cleaned = posix.normalize(`./${path ?? ''}`).replace(/\/+$/, '');
  if (cleaned === '..' || cleaned.startsWith('../')) {
    throw new StalledError(
      'BuildFailed',
      `spec.path '${path}' leads out of the artifact: use a path below its root`,
    );
  }
  return cleaned === '' ? '.' : cleaned;
}

function overlayOf(spec: KustomizationSpec): KustomizeSpec {
  const { targetNamespace, namePrefix, nameSuffix, patches, images, buildMetadata } = spec;
  const { components, ignoreMissingComponents } = spec;
  return {
    ...{ namespace: targetNamespace, namePrefix, nameSuffix, patches, images, buildMetadata },
    ...{ components, ignoreMissingComponents },
  };
}

function translate(error: unknown, spec: KustomizationSpec): unknown {
  if (!(error instanceof KustomizeError)) return error;
  if (error.kind === 'spec') return new StalledError('BuildFailed', error.message);
  if (error.kind !== 'path') return buildFailed(error.message, error);
  return new RetryableError(
    'ArtifactFailed',
    `kustomization path not found: spec.path '${spec.path}' is not a directory of the artifact`,
  );
}

/**
 * Builds the objects of an artifact with kustomize.
 *
 * @throws StalledError BuildFailed when the spec can never be built
 * @throws RetryableError ArtifactFailed when spec.path does not exist; BuildFailed for input that is not allowed, with
 *   file, line and kind of the problem; what the doors of `call` throw
 */
export async function runBuild(
  kustomize: Kustomize,
  { root, spec }: BuildInput,
  call: KustomizeCall,
): Promise<BuildOutput> {
  const dir = directoryOf(spec);
  try {
    const built = await kustomize.build({ root, dir, spec: overlayOf(spec) }, call);
    const given = built.objects.flatMap(itemsOf).filter((each) => !isConfiguration(each));
    const objects = given.map(checkObject);
    const { bytes, noManifests, remote, warnings = [] } = built;
    return { objects, bytes, noManifests, warnings, seen: remote ? undefined : built.seen };
  } catch (error) {
    throw translate(error, spec);
  }
}
