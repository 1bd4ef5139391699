import type { HelmReleaseSpec } from '@sluice/shared/api';
import { errorMessage } from '@sluice/shared/base';
import type { Kustomize } from '@sluice/shared/cli';
import { documentsOf, writeManifest } from '../release/manifest.ts';
import type { Release } from '../release/release.ts';
import { sortManifests } from '../release/sort-manifests.ts';
import { RenderError } from './errors.ts';
import { annotateAndMerge, type Files, mergeFiles, splitAndDeannotate } from './merged-files.ts';

/** What is done to rendered objects before they are released. */
export interface PostRendering {
  /** `spec.postRenderers`. */
  renderers?: HelmReleaseSpec['postRenderers'];
  /** `spec.postRenderStrategy`. */
  strategy?: HelmReleaseSpec['postRenderStrategy'];
  /** `spec.commonMetadata`, set after all renderers. */
  commonMetadata?: HelmReleaseSpec['commonMetadata'];
}

/** How to carry it out. */
export interface PostRenderOptions extends PostRendering {
  /** Limit of each run of kustomize, in milliseconds. */
  timeoutMs: number;
  /** Namespace of the release. */
  share: string;
  signal?: AbortSignal;
}

type Kustomization = Record<string, unknown>;

const input = 'helm-output.yaml';

/** Files of one run of kustomize, by name. */
type Run = Record<string, Kustomization>;

function transformer(kind: string, field: string, values: Record<string, string>): Kustomization {
  const fieldSpecs = [{ path: `metadata/${field}`, create: true }];
  return { apiVersion: 'builtin', kind, metadata: { name: field }, [field]: values, fieldSpecs };
}

/** The transformers of spec.commonMetadata, by file name. */
function metadataTransformers({ commonMetadata = {} }: PostRendering): Run {
  const { labels, annotations } = commonMetadata;
  return {
    ...(labels && { 'labels.yaml': transformer('LabelTransformer', 'labels', labels) }),
    ...(annotations && {
      'annotations.yaml': transformer('AnnotationsTransformer', 'annotations', annotations),
    }),
  };
}

/**
 * The runs of kustomize, in order. All that a kustomization file of ours refers to are files of ours next to it:
 * patches are taken as text, never as a path.
 */
function runsOf(o: PostRendering): Run[] {
  const changes = (o.renderers ?? []).flatMap(({ kustomize }) => kustomize ?? []);
  const runs: Run[] = changes.map(({ patches, images }) => ({
    'kustomization.yaml': {
      patches: patches?.map(({ patch, target }) => ({ patch, target })),
      images: images?.map(({ name, newName, newTag, digest }) => ({
        name,
        newName,
        newTag,
        digest,
      })),
    },
  }));
  const transformers = metadataTransformers(o);
  const names = Object.keys(transformers);
  if (names.length > 0) {
    // Transformers come last in a build, so that they need none of their own.
    const last = runs.pop()?.['kustomization.yaml'] ?? {};
    runs.push({ ...transformers, 'kustomization.yaml': { ...last, transformers: names } });
  }
  return runs;
}

interface PostRenderParts {
  kustomize: Kustomize;
}

/** Runs kustomize on files in memory: it sees no others, and none is written. */
function runKustomize(
  { kustomize }: PostRenderParts,
  { objects, run }: { objects: string; run: Run },
  o: PostRenderOptions,
): Promise<string> {
  const files: Record<string, string> = { [input]: objects };
  for (const [name, content] of Object.entries(run)) {
    const isTop = name === 'kustomization.yaml';
    files[name] = JSON.stringify(isTop ? { resources: [input], ...content } : content);
  }
  const { timeoutMs, signal, share } = o;
  return kustomize.buildText({ dir: '.', files }, { timeoutMs, signal, share });
}

/** The templates' texts of a release, hooks and others apart. */
function filesOf(release: Pick<Release, 'manifest' | 'hooks'>): { hooks: Files; manifests: Files } {
  const hooks: Files = new Map();
  for (const { path, manifest } of release.hooks ?? []) mergeFiles(hooks, [[path, manifest]]);
  const manifests: Files = new Map();
  for (const { source, content } of documentsOf(release.manifest)) {
    const text = content.replace(/^# Source: .*\n/, '');
    mergeFiles(manifests, [[source, text]]);
  }
  return { hooks, manifests };
}

interface Group {
  /** Part of the names of files that a renderer adds. */
  name: string;
  files: Files;
  postRender: boolean;
}

function groupsOf(release: Pick<Release, 'manifest' | 'hooks'>, o: PostRendering): Group[] {
  const { hooks, manifests } = filesOf(release);
  if ((o.strategy ?? 'combined') === 'combined') {
    const all: Files = new Map(manifests);
    mergeFiles(all, hooks);
    return [{ name: '', files: all, postRender: true }];
  }
  return [
    { name: 'hooks', files: hooks, postRender: o.strategy === 'separate' },
    { name: 'manifests', files: manifests, postRender: true },
  ];
}

/**
 * Changes the objects of a rendered release as its spec asks for, in the way of Helm's post-renderers: the renderers see
 * all objects as one stream, in which an annotation names the template of each; what comes out is sorted into hooks
 * and manifest anew.
 *
 * @returns the new hooks and manifest; those of the release, byte for byte, when there is nothing to do
 * @throws RenderError when the result is no Kubernetes object
 * @throws KustomizeError when a patch cannot be applied
 * @throws RetryableError BuildFailed when kustomize takes too long
 * @see https://github.com/helm/helm/blob/v4.3.1/pkg/action/action.go renderResources
 */
export async function postRender(
  parts: PostRenderParts,
  release: Pick<Release, 'manifest' | 'hooks'>,
  o: PostRenderOptions,
): Promise<Pick<Release, 'manifest' | 'hooks'>> {
  const runs = runsOf(o);
  if (runs.length === 0) return { manifest: release.manifest, hooks: release.hooks };
  const files: Files = new Map();
  for (const group of groupsOf(release, o)) {
    if (!group.postRender || group.files.size === 0) {
      mergeFiles(files, group.files);
      continue;
    }
    let objects = annotateAndMerge(group.files);
    for (const run of runs) objects = await runKustomize(parts, { objects, run }, o);
    mergeFiles(files, splitAndDeannotate(objects, group.name));
  }
  return sorted(files);
}

function sorted(files: Files): Pick<Release, 'manifest' | 'hooks'> {
  try {
    const { hooks, documents } = sortManifests(files);
    return { manifest: writeManifest(documents), hooks: hooks.length > 0 ? hooks : undefined };
  } catch (error) {
    throw new RenderError('other', `spec.postRenderers: ${errorMessage(error)}`, { cause: error });
  }
}
