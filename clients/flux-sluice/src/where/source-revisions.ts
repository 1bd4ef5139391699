import {
  bucketKind,
  externalArtifactKind,
  gitRepositoryKind,
  type HelmRelease,
  helmChartKind,
  type KindDefinition,
  type KubeObject,
  type Kustomization,
  ociOriginRevisionKey,
  ociRepositoryKind,
} from '@sluice/shared/api';
import { isForbidden, isKindMissing, resourceOf } from '@sluice/shared/kube';
import type { Session } from '../session.ts';
import type { Target } from '../target/target.ts';

interface Source extends KubeObject {
  status?: { artifact?: { revision?: string; metadata?: Record<string, string> } };
}

/** Revisions that sources hold now, by kind, namespace and name. */
export type SourceRevisions = ReadonlyMap<string, string[]>;

const sourceKinds = [
  gitRepositoryKind,
  ociRepositoryKind,
  bucketKind,
  helmChartKind,
  externalArtifactKind,
] as unknown as KindDefinition[];

/**
 * Lists what the sources hold. Kinds that the user may not list, or that are not served, are left out; the first is said.
 *
 * @param namespace in which to look; all when undefined
 * @throws ApiError, ConnectionError
 */
export async function sourceRevisions(
  session: Session,
  namespace: string | undefined,
): Promise<SourceRevisions> {
  const lists = await Promise.all(sourceKinds.map((kind) => sourcesOf(session, kind, namespace)));
  const revisions = new Map<string, string[]>();
  for (const { kind, metadata, status } of lists.flat()) {
    const { revision, metadata: facts } = status?.artifact ?? {};
    const found = [revision, facts?.[ociOriginRevisionKey]].filter((one) => one !== undefined);
    revisions.set(keyOfSource({ kind, ...metadata }), found);
  }
  return revisions;
}

async function sourcesOf(
  { client, terminal }: Session,
  kind: KindDefinition,
  namespace: string | undefined,
): Promise<Source[]> {
  try {
    return (await client.list<Source>(resourceOf(kind), { namespace })).items;
  } catch (error) {
    if (isKindMissing(error)) return [];
    if (!isForbidden(error)) throw error;
    terminal.note(
      `${kind.plural} may not be listed: what has not begun with their revisions is not found`,
    );
    return [];
  }
}

/** Returns the revisions that the source of an object holds now. */
export function revisionsFor(target: Target, revisions: SourceRevisions): string[] {
  const { namespace } = target.metadata;
  const { chartRef } = (target as HelmRelease).spec ?? {};
  const { sourceRef } = (target as Kustomization).spec ?? {};
  const reference = target.kind === 'HelmRelease' ? chartRef : sourceRef;
  if (reference !== undefined) {
    return revisions.get(keyOfSource({ namespace, ...reference })) ?? [];
  }
  const [of, name] = (target as HelmRelease).status?.helmChart?.split('/') ?? [];
  if (name === undefined) return [];
  return revisions.get(keyOfSource({ kind: helmChartKind.kind, namespace: of, name })) ?? [];
}

function keyOfSource(o: { kind: string; namespace?: string; name: string }): string {
  return `${o.kind}/${o.namespace}/${o.name}`;
}
