import { allKinds, type Condition, type KubeObject } from '@sluice/shared/api';
import { coreResources, resourceOf } from '@sluice/shared/kube';
import { assertStatusContract } from '@sluice/testing';
import { expect } from 'vitest';
import { inFlux, kinds } from './objects.ts';
import { type CliStep, type CliWorld, fluxNamespace } from './world.ts';

interface WithStatus extends KubeObject {
  status?: { observedGeneration?: number; conditions?: Condition[] };
}

interface ManagedField {
  manager: string;
  operation: string;
  subresource?: string;
}

interface Event extends KubeObject {
  reason: string;
  type: string;
  involvedObject: { kind: string; name: string };
  source?: { component?: string };
}

/** Condition types that clients of Flux know, by the controller that writes them. */
const conditionTypes: Record<string, string[]> = {
  'source-controller': [
    ...['Ready', 'Reconciling', 'Stalled', 'ArtifactInStorage', 'ArtifactOutdated'],
    ...['SourceVerified', 'FetchFailed', 'BuildFailed', 'StorageOperationFailed'],
    'IncludeUnavailable',
  ],
  'kustomize-controller': ['Ready', 'Reconciling', 'Stalled', 'Healthy'],
  'helm-controller': [
    ...['Ready', 'Reconciling', 'Stalled', 'Released', 'TestSuccess', 'Remediated', 'Drifted'],
  ],
  'notification-controller': ['Ready', 'Reconciling', 'Stalled'],
};

const controllerOf = ({ apiVersion }: KubeObject) => `${apiVersion.split('.')[0]}-controller`;

/** Every object of Flux's kinds in the namespace. */
async function objectsOf(cli: CliWorld): Promise<WithStatus[]> {
  const lists = await Promise.all(
    allKinds.map(async (kind) => {
      const { items } = await cli.client.list<WithStatus>(resourceOf(kind), {
        namespace: fluxNamespace,
      });
      return items.map((item) => ({ ...item, kind: kind.kind }));
    }),
  );
  return lists.flat();
}

function managersOf(object: KubeObject): ManagedField[] {
  return (object.metadata as { managedFields?: ManagedField[] }).managedFields ?? [];
}

const ready: [keyof typeof kinds, string, string, RegExp][] = [
  ['git', 'shop', 'Succeeded', /^stored artifact for revision 'main@sha1:[0-9a-f]{40}'$/],
  ['oci', 'pushed', 'Succeeded', /^stored artifact for revision 'latest@sha256:[0-9a-f]{64}'$/],
  ['helmRepository', 'charts', 'Succeeded', /^stored artifact for revision 'sha256:[0-9a-f]{64}'$/],
  ['helmChart', 'web', 'ChartPullSucceeded', /^pulled 'web' chart with version '1\.0\.0'$/],
  [
    'kustomization',
    'apps',
    'ReconciliationSucceeded',
    /^Applied revision: main@sha1:[0-9a-f]{40}$/,
  ],
  [
    'helmRelease',
    'shop',
    'InstallSucceeded',
    /^Helm install of apps\/shop\.v1 with chart web@1\.0\.0/,
  ],
  ['receiver', 'hook', 'Succeeded', /^Receiver initialized for path: \/hook\/[0-9a-f]{64}$/],
];

/** What clients read of objects, whatever program they are. */
export const contractSteps: CliStep[] = [
  {
    name: 'Ready has the reason and message of Flux for each kind',
    async run(cli) {
      for (const [kind, name, reason, message] of ready) {
        const object = await cli.find<WithStatus>(kinds[kind], inFlux(name));
        const found = object?.status?.conditions?.find(({ type }) => type === 'Ready');
        expect([kind, found]).toEqual([
          kind,
          expect.objectContaining({
            status: 'True',
            reason,
            message: expect.stringMatching(message),
          }),
        ]);
        expect(object?.status?.observedGeneration).toBe(object?.metadata.generation);
      }
    },
  },
  {
    name: 'conditions are of the known types, and Reconciling and Stalled are there only when true',
    async run(cli) {
      const objects = await objectsOf(cli);
      expect(objects.length).toBeGreaterThan(10);
      for (const object of objects) {
        if (object.kind === 'Alert' || object.kind === 'Provider') {
          expect([object.kind, object.status?.conditions]).toEqual([object.kind, undefined]);
          continue;
        }
        assertStatusContract(object);
        const known = conditionTypes[controllerOf(object)] ?? [];
        for (const { type, status } of object.status?.conditions ?? []) {
          expect(known).toContain(type);
          if (type === 'Reconciling' || type === 'Stalled') expect(status).toBe('True');
        }
      }
    },
  },
  {
    name: 'objects carry the finalizer, and gotk-<controller> manages their status',
    async run(cli) {
      for (const object of await objectsOf(cli)) {
        if (object.kind === 'Alert' || object.kind === 'Provider') continue;
        expect([object.kind, object.metadata.finalizers]).toEqual([
          object.kind,
          ['finalizers.fluxcd.io'],
        ]);
        const ofStatus = managersOf(object).filter(({ subresource }) => subresource === 'status');
        expect(ofStatus.map(({ manager }) => manager)).toEqual([`gotk-${controllerOf(object)}`]);
      }
    },
  },
  {
    name: 'applied objects are managed by the controller under its name, and labelled with their owner',
    async run(cli) {
      for (const [name, manager, group, owner] of [
        ['web', 'kustomize-controller', 'kustomize', 'apps'],
        ['release', 'helm-controller', 'helm', 'shop'],
      ] as const) {
        const object = await cli.find(kinds.deployment, { namespace: 'apps', name });
        expect(managersOf(object as KubeObject)).toEqual(
          expect.arrayContaining([expect.objectContaining({ manager, operation: 'Apply' })]),
        );
        expect(object?.metadata.labels).toMatchObject({
          [`${group}.toolkit.fluxcd.io/name`]: owner,
          [`${group}.toolkit.fluxcd.io/namespace`]: fluxNamespace,
        });
      }
    },
  },
  {
    name: 'Events carry what they are about in annotations of the group of their object',
    async run(cli) {
      const { items } = await cli.client.list<Event>(coreResources.events, {
        namespace: fluxNamespace,
      });
      const annotationsOf = (kind: string, name: string, reason: string) =>
        items.find(
          (event) =>
            event.reason === reason &&
            event.involvedObject.kind === kind &&
            event.involvedObject.name === name,
        )?.metadata.annotations;
      const git = annotationsOf('GitRepository', 'shop', 'NewArtifact');
      expect(git).toMatchObject({
        'source.toolkit.fluxcd.io/revision': expect.stringMatching(/^main@sha1:[0-9a-f]{40}$/),
        'source.toolkit.fluxcd.io/digest': expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      });
      expect(annotationsOf('Kustomization', 'pushed', 'ReconciliationSucceeded')).toMatchObject({
        'kustomize.toolkit.fluxcd.io/revision': expect.stringMatching(/^latest@sha256:/),
        'kustomize.toolkit.fluxcd.io/originRevision': expect.stringMatching(/^main@sha1:/),
      });
      expect(annotationsOf('HelmRelease', 'shop', 'InstallSucceeded')).toMatchObject({
        'helm.toolkit.fluxcd.io/revision': '1.0.0',
        'helm.toolkit.fluxcd.io/app-version': '2.4',
        'helm.toolkit.fluxcd.io/token': expect.stringMatching(/^sha256:/),
      });
    },
  },
];
