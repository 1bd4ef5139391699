import { readFile } from 'node:fs/promises';
import {
  allKinds,
  componentLabel,
  deliveryGroup,
  instanceLabel,
  type KindDefinition,
  partOfFlux,
  partOfLabel,
  sourceExtensionsGroup,
  toCustomResourceDefinition,
  versionLabel,
} from '@sluice/shared/api';
import { dump } from 'js-yaml';
import { generatedMark } from './generator.ts';
import { fileNameOf } from './names.ts';

/** Returns the controller that owns a kind, after which its chart is named. */
export function controllerOf(kind: Pick<KindDefinition, 'group'>): string {
  if (kind.group === sourceExtensionsGroup) return 'source-watcher';
  if (kind.group === deliveryGroup) return 'kustomize-controller';
  return `${kind.group.split('.')[0]}-controller`;
}

/**
 * Writes the CustomResourceDefinition of a kind as YAML.
 *
 * @param version version of the installation, which clients read from a label
 */
export function crdYaml(kind: KindDefinition, version: string): string {
  const crd = toCustomResourceDefinition(kind, {
    [componentLabel]: controllerOf(kind),
    [instanceLabel]: 'flux-system',
    [partOfLabel]: partOfFlux,
    [versionLabel]: `v${version}`,
  });
  const header = `# ${generatedMark}; edit libs/shared/src/api instead.\n`;
  return header + dump(crd, { lineWidth: -1, noRefs: true });
}

/** Generates one CustomResourceDefinition file per kind, in the chart of the controller that owns it. */
export async function generateCrds(): Promise<Map<string, string>> {
  const manifest = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  return new Map(
    allKinds.map((kind) => [
      `charts/${controllerOf(kind)}/files/crds/${fileNameOf(kind.kind)}.yaml`,
      crdYaml(kind, version),
    ]),
  );
}
