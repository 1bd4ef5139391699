import { posix } from 'node:path';
import type { KustomizationSpec } from '@sluice/shared/api';
import { StalledError } from '@sluice/shared/base';
import type { ArtifactFiles } from './artifact-files.ts';
import { isObject, type JsonObject, type KustomizationFile } from './kustomization-file.ts';
import { isRemoteReference, resolveReference } from './reference.ts';

type Image = NonNullable<KustomizationSpec['images']>[number];

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function mergeImages(existing: unknown[], images: readonly Image[]): unknown[] {
  const merged = [...existing];
  for (const image of images) {
    const at = merged.findIndex((entry) => isObject(entry) && entry['name'] === image.name);
    if (at === -1) {
      merged.push({ ...image });
      continue;
    }
    const entry = { ...(merged[at] as JsonObject) };
    if (image.newName) entry['newName'] = image.newName;
    if (image.newTag || image.digest) {
      delete entry['newTag'];
      delete entry['digest'];
      if (image.newTag) entry['newTag'] = image.newTag;
      if (image.digest) entry['digest'] = image.digest;
    }
    merged[at] = entry;
  }
  return merged;
}

async function presentComponents(
  files: ArtifactFiles,
  file: KustomizationFile,
  spec: KustomizationSpec,
): Promise<string[]> {
  const present: string[] = [];
  for (const [index, component] of (spec.components ?? []).entries()) {
    const field = `spec.components[${index}]`;
    if (isRemoteReference(component) || posix.isAbsolute(component)) {
      throw new StalledError(
        'BuildFailed',
        `${field} '${component}' must be a path relative to spec.path`,
      );
    }
    const path = resolveReference(posix.dirname(file.path), component, {
      file: 'the Kustomization',
      field,
    });
    if (spec.ignoreMissingComponents && (await files.kindOf(path)) === 'missing') continue;
    present.push(component);
  }
  return present;
}

/**
 * Puts what the spec says about the build into the kustomization file of spec.path, as if it had been written there.
 *
 * @throws StalledError BuildFailed when a component is not a local path
 */
export async function overlaySpec(
  files: ArtifactFiles,
  file: KustomizationFile,
  spec: KustomizationSpec,
): Promise<KustomizationFile> {
  const content: JsonObject = { ...file.content };
  const set = (key: string, value: unknown) => {
    if (value !== undefined && value !== '') content[key] = value;
  };
  set('namespace', spec.targetNamespace);
  set('namePrefix', spec.namePrefix);
  set('nameSuffix', spec.nameSuffix);
  if (spec.patches?.length) set('patches', [...listOf(content['patches']), ...spec.patches]);
  if (spec.images?.length) set('images', mergeImages(listOf(content['images']), spec.images));
  if (spec.buildMetadata?.length) set('buildMetadata', spec.buildMetadata);
  const components = await presentComponents(files, file, spec);
  if (components.length) set('components', [...listOf(content['components']), ...components]);
  return { path: file.path, content };
}

/** Tells whether a kustomization file says nothing at all, which kustomize refuses. */
export function isEmptyKustomization(file: KustomizationFile): boolean {
  return Object.entries(file.content).every(
    ([key, value]) =>
      key === 'apiVersion' || key === 'kind' || value === null || listOf(value).length === 0,
  );
}
