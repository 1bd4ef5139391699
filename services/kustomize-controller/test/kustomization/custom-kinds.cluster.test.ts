import type { KubeObject } from '@sluice/shared/api';
import { type ApiResource, coreResources } from '@sluice/shared/kube';
import { until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, conditionOf, startBed } from './harness.ts';

interface Kind {
  group: string;
  version: string;
  kind: string;
  plural: string;
  namespaced?: boolean;
  /** As its controller leaves it when all is well. */
  status: object;
}

const conditions = (...types: string[]) => types.map((type) => ({ type, status: 'True' }));
const external = { group: 'external-secrets.io', version: 'v1' };
const manager = { group: 'cert-manager.io', version: 'v1' };
const gateways = { group: 'gateway.networking.k8s.io', version: 'v1' };
const parents = [
  { parentRef: { name: 'edge' }, conditions: conditions('Accepted', 'ResolvedRefs') },
];
const ready = { status: { conditions: conditions('Ready') } };

const canary: Kind = {
  group: 'flagger.app',
  version: 'v1beta1',
  kind: 'Canary',
  plural: 'canaries',
  status: { phase: 'Succeeded', conditions: conditions('Promoted') },
};

const kinds: Kind[] = [
  canary,
  {
    group: 'argoproj.io',
    version: 'v1alpha1',
    kind: 'Rollout',
    plural: 'rollouts',
    status: { phase: 'Healthy', observedGeneration: '1' },
  },
  {
    group: 'bitnami.com',
    version: 'v1alpha1',
    kind: 'SealedSecret',
    plural: 'sealedsecrets',
    status: { observedGeneration: 1, conditions: conditions('Synced') },
  },
  { ...external, kind: 'ExternalSecret', plural: 'externalsecrets', ...ready },
  { ...external, kind: 'SecretStore', plural: 'secretstores', ...ready },
  { ...manager, kind: 'Certificate', plural: 'certificates', ...ready },
  { ...manager, kind: 'ClusterIssuer', plural: 'clusterissuers', namespaced: false, ...ready },
  {
    ...gateways,
    kind: 'Gateway',
    plural: 'gateways',
    status: { conditions: conditions('Accepted', 'Programmed') },
  },
  { ...gateways, kind: 'HTTPRoute', plural: 'httproutes', status: { parents } },
];

/** A definition as that of the project, but for its schema. */
function definitionOf({ group, version, kind, plural, namespaced }: Kind): KubeObject {
  const schema = {
    openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  };
  const spec = {
    group,
    scope: namespaced === false ? 'Cluster' : 'Namespaced',
    names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
    versions: [
      { name: version, served: true, storage: true, subresources: { status: {} }, schema },
    ],
  };
  const definition = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' };
  const annotations = { 'api-approved.kubernetes.io': 'unapproved, stands in for the real one' };
  return {
    ...definition,
    metadata: { name: `${plural}.${group}`, annotations },
    spec,
  } as KubeObject;
}

function manifest({ group, version, kind }: Kind, name: string): string {
  return JSON.stringify({ apiVersion: `${group}/${version}`, kind, metadata: { name }, spec: {} });
}

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
  for (const kind of kinds) {
    const definition = definitionOf(kind);
    await bed.client.apply(coreResources.customResourceDefinitions, definition, {
      fieldManager: 'test',
    });
    await until<KubeObject & { status?: { conditions?: { type: string; status: string }[] } }>(
      bed.client,
      coreResources.customResourceDefinitions,
      { name: definition.metadata.name },
      (seen) =>
        (seen.status?.conditions ?? []).some(
          ({ type, status }) => type === 'Established' && status === 'True',
        ),
    );
  }
});
afterAll(() => bed.stop());

function resourceOf({ group, version, kind, plural, namespaced = true }: Kind): ApiResource {
  return { group, version, kind, plural, namespaced };
}

/** Writes what a controller of the kind writes into the status, once the object is there. */
async function report(kind: Kind, name: string, status: object): Promise<void> {
  const key = kind.namespaced === false ? { name } : { namespace: bed.namespace, name };
  await until<KubeObject>(bed.client, resourceOf(kind), key, () => true);
  await bed.client.patch(
    resourceOf(kind),
    key,
    { status },
    { type: 'merge', subresource: 'status' },
  );
}

const nameOf = () => `x-${bed.namespace}`;

test('kinds of others are waited for until their controllers have said that all is well', async () => {
  const files = kinds.map((kind) => [`${kind.plural}.yaml`, manifest(kind, nameOf())]);
  await bed.publish(Object.fromEntries(files), 'r1', 'all');
  const sourceRef = { kind: 'ExternalArtifact' as const, name: 'all' };
  await bed.apply({ wait: true, timeout: '5m', sourceRef }, 'all');
  // Five of those that are waited for are named.
  const isWaiting = (message = '') => message.includes(` and ${kinds.length - 5} more`);
  await bed.when((object) => isWaiting(conditionOf(object, 'Healthy')?.message), 'all');
  for (const kind of kinds) await report(kind, nameOf(), kind.status);
  await bed.ready('r1', 'all');
});

test('one that has failed ends the wait, and is named with what its controller says', async () => {
  await bed.publish({ 'canary.yaml': manifest(canary, 'failing') }, 'r1', 'failing');
  const sourceRef = { kind: 'ExternalArtifact' as const, name: 'failing' };
  await bed.apply({ wait: true, timeout: '5m', sourceRef }, 'failing');
  const message = 'Canary analysis failed, Deployment scaled to zero.';
  const lastTransitionTime = '2026-01-01T00:00:00Z';
  await report(canary, 'failing', {
    phase: 'Failed',
    conditions: [{ type: 'Promoted', status: 'False', message, lastTransitionTime }],
  });
  const failed = await bed.failed('HealthCheckFailed', 'failing');
  expect(conditionOf(failed)?.message).toContain(
    `failed early due to stalled resources: [Canary/${bed.namespace}/failing status: 'Failed']: phase Failed: ${message}`,
  );
});

test('an expression for the kind counts instead', async () => {
  await bed.publish({ 'canary.yaml': manifest(canary, 'own') }, 'r1', 'own');
  const sourceRef = { kind: 'ExternalArtifact' as const, name: 'own' };
  const healthCheckExprs = [
    { apiVersion: 'flagger.app/v1', kind: 'Canary', current: "status.phase == 'Waiting'" },
  ];
  await bed.apply({ wait: true, timeout: '5m', sourceRef, healthCheckExprs }, 'own');
  await report(canary, 'own', { phase: 'Waiting' });
  await bed.ready('r1', 'own');
});
