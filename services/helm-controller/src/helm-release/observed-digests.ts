import type { HelmRelease } from '@sluice/shared/api';
import { sha256Hex } from '@sluice/shared/base';
import { type GoField, goArray, goStruct } from '../release/go-json.ts';

type Spec = HelmRelease['spec'];

function optional(...names: string[]): GoField[] {
  return names.map((name) => ({ name, omitEmpty: true }));
}

function nested(name: string, fields: readonly GoField[]): GoField {
  return { name, omitEmpty: true, write: (value) => goStruct(fields, value as object) };
}

function listOf(name: string, fields: readonly GoField[]): GoField {
  const write = (value: unknown) =>
    goArray((value as object[]).map((item) => goStruct(fields, item)));
  return { name, omitEmpty: true, write };
}

const selector = optional(
  'group',
  'version',
  'kind',
  'namespace',
  'name',
  'annotationSelector',
  'labelSelector',
);
const patch: GoField[] = [{ name: 'patch' }, nested('target', selector)];
const image: GoField[] = [{ name: 'name' }, ...optional('newName', 'newTag', 'digest')];
const postRenderer = [nested('kustomize', [listOf('patches', patch), listOf('images', image)])];

/** Go's encoder ends what it writes with a new line. */
function digestOfLine(text: string): string {
  return `sha256:${sha256Hex(`${text}\n`)}`;
}

/** Returns the checksum of spec.postRenderers as Flux computes it; undefined when there are none. */
export function postRenderersDigest(renderers: Spec['postRenderers']): string | undefined {
  if (renderers === undefined) return undefined;
  return digestOfLine(goArray(renderers.map((one) => goStruct(postRenderer, one))));
}

/** Returns the checksum of spec.commonMetadata as Flux computes it; undefined when there is none. */
export function commonMetadataDigest(metadata: Spec['commonMetadata']): string | undefined {
  if (metadata === undefined) return undefined;
  return digestOfLine(goStruct(optional('annotations', 'labels'), metadata));
}
