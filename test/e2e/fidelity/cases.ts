import type { KustomizationSpec } from '@sluice/shared/api';
import { allCases } from '../../../services/kustomize-controller/test/builder/corpus/all-cases.ts';
import type { BuildCase } from '../../../services/kustomize-controller/test/builder/corpus/case.ts';

/** Something to build that has its place in the cluster, beside all the others. */
export interface FidelityCase {
  name: string;
  /** Name of its Kustomization. */
  id: string;
  source: string;
  spec: Partial<KustomizationSpec>;
  /** Its files hold a Namespace, so that nobody else makes the one that it goes to. */
  makesNamespace: boolean;
}

/** A case of the builder's corpus: its source and its namespace have its name. */
export interface CorpusCase extends FidelityCase {
  files: Record<string, string>;
}

/** Cases whose every object names a namespace that no other case has. */
const placed: Record<string, string> = {
  namespace: 'team',
  'names and namespaces from variables': 'text',
};

/** The namespaces that these name. */
export const placedNamespaces = Object.values(placed);

/** Whether definitions and roles for the whole cluster are among the manifests. */
function isClusterWide({ files }: BuildCase): boolean {
  const file = files['kustomization.yaml'];
  return 'cluster.yaml' in files && (file === undefined || file.includes('cluster.yaml'));
}

/** Returns a text that has names of its own for what there can be once in a cluster. */
function withOwnNames(text: string, id: string): string {
  return text
    .replaceAll(/(?<=apiVersion: |name: things\.|group: )example\.com/g, `${id}.example.com`)
    .replaceAll(/(?<=^metadata: \{name: )web(?=\}\n(?:rules|roleRef|webhooks):)/gm, id)
    .replaceAll(/(?<=kind: ClusterRole, name: )web/g, id);
}

function corpusCase(one: BuildCase, index: number): CorpusCase {
  const { name, files } = one;
  const id = `case-${index + 1}`;
  const isWide = isClusterWide(one);
  const spec = {
    ...one.spec,
    ...(!(name in placed) && { targetNamespace: id }),
  };
  const own = Object.entries(files).map(([path, text]) => [path, withOwnNames(text, id)]);
  return {
    ...{ name, id, source: id, makesNamespace: isWide },
    files: isWide ? Object.fromEntries(own) : files,
    spec,
  };
}

/** What ends Flux's controller, for all that it reconciles: its stack overflows. Ours refuses it. */
const fatal = 'an alias of itself';

/** The corpus; each case goes to a namespace of its own unless its objects say where. */
export const corpusCases = allCases.filter(({ name }) => name !== fatal).map(corpusCase);
