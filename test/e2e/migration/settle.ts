import {
  type Condition,
  gitRepositoryKind,
  helmChartKind,
  helmReleaseKind,
  helmRepositoryKind,
  type KindDefinition,
  type KubeObject,
  kustomizationKind,
  ociRepositoryKind,
  reconcileRequestAnnotation,
} from '@sluice/shared/api';
import { errorMessage } from '@sluice/shared/base';
import { type ObjectKey, resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import { until } from '@sluice/testing';
import type { MigrationWorld } from './world.ts';

const timeoutMs = 90_000;

const sources: [KindDefinition, string, string][] = [
  [gitRepositoryKind, 'flux-system', 'flux-system'],
  [helmRepositoryKind, 'releases', 'charts'],
  [ociRepositoryKind, 'releases', 'queue'],
  [helmChartKind, 'flux-system', 'releases-api'],
  [helmChartKind, 'releases', 'releases-cache'],
];
const kustomizations = ['flux-system', 'infra', 'apps', 'releases'].map(
  (name): [KindDefinition, string, string] => [kustomizationKind, 'flux-system', name],
);
const releases = ['api', 'cache', 'queue'].map((name): [KindDefinition, string, string] => [
  helmReleaseKind,
  'releases',
  name,
]);

/** The objects of one controller, in the order in which they depend on each other. */
export const objectsOf = { source: sources, kustomize: kustomizations, helm: releases };

/** Anything with the status that all kinds share. */
export type Reconciled = KubeObject & {
  status?: {
    observedGeneration?: number;
    lastHandledReconcileAt?: string;
    lastAppliedRevision?: string;
    conditions?: Condition[];
    inventory?: { entries: { id: string; v: string }[] };
    history?: { digest: string; version?: number; status?: string }[];
  };
};

const isSettled = (object: Reconciled) =>
  isReady(object) && object.status?.observedGeneration === object.metadata.generation;

/** Waits until objects are ready, as they are now. */
export async function untilReady(
  world: MigrationWorld,
  which: (keyof typeof objectsOf)[],
  also: (object: Reconciled) => boolean = () => true,
): Promise<void> {
  for (const [kind, namespace, name] of which.flatMap((each) => objectsOf[each])) {
    const isDone = (object: Reconciled) => isSettled(object) && also(object);
    try {
      await until(world.client, resourceOf(kind), { namespace, name }, isDone, { timeoutMs });
    } catch (error) {
      throw new Error(`${errorMessage(error)}\n${await stateOf(world)}`, { cause: error });
    }
  }
}

/** What the Kustomizations say, of which one has to make what is missing. */
async function stateOf({ client }: MigrationWorld): Promise<string> {
  const { items } = await client.list<Reconciled>(resourceOf(kustomizationKind), {});
  const lines = items.map(({ metadata, status }) => {
    const said = status?.conditions?.map(
      ({ type, status, message }) => `${type}=${status} ${message}`,
    );
    return `Kustomization ${metadata.name}: ${said?.join('; ') ?? 'no status'}`;
  });
  return lines.join('\n');
}

let requests = 0;

/**
 * Asks for a reconcile of every object of a controller, as the flux CLI does, and waits until each has ended well.
 *
 * @param only this kind, when others may go because of it
 */
export async function reconcileAll(
  world: MigrationWorld,
  which: keyof typeof objectsOf,
  only?: KindDefinition,
): Promise<void> {
  const objects = objectsOf[which].filter(([kind]) => only === undefined || kind === only);
  for (const [kind, namespace, name] of objects) {
    const at = new Date(Date.UTC(2030, 0, 1, 0, 0, ++requests)).toISOString();
    const resource = resourceOf(kind);
    const metadata = { annotations: { [reconcileRequestAnnotation]: at } };
    const options = { type: 'merge', fieldManager: 'flux' } as const;
    await world.client.patch(resource, { namespace, name }, { metadata }, options);
    const isDone = (object: Reconciled) =>
      object.status?.lastHandledReconcileAt === at && isSettled(object);
    await until(world.client, resource, { namespace, name }, isDone, { timeoutMs });
  }
}

/** Returns an object with the status that all kinds share. */
export function read(
  world: MigrationWorld,
  kind: KindDefinition,
  key: ObjectKey,
): Promise<Reconciled> {
  return world.client.get<Reconciled>(resourceOf(kind), key);
}
