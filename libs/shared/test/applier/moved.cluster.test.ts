import { type KubeObject, kustomizationKind } from '@sluice/shared/api';
import { type KubeClient, resourceOf } from '@sluice/shared/kube';
import { testCluster, testNamespace } from '@sluice/testing';
import { beforeAll, expect, test } from 'vitest';
import { type InventoryOwner, isMovedFrom, type OwnerLookup } from '../../src/applier/moved.ts';
import { createInformer } from '../../src/kube/informer.ts';
import { identity } from '../engine/engine-objects.ts';

const kustomizations = resourceOf(kustomizationKind);
const prefix = 'kustomize.toolkit.fluxcd.io';

let client: KubeClient;
let namespace: string;
let owners: OwnerLookup;

beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'moved');
  // A watch that never starts: everything has to be asked.
  const informer = createInformer<InventoryOwner>({ client, resource: kustomizations });
  owners = { kind: kustomizationKind, informer, client, identity, inventories: () => false };
});

interface Claim {
  held?: string[];
  spec?: object;
  deleting?: boolean;
}

async function owner(name: string, { held, spec, deleting }: Claim): Promise<InventoryOwner> {
  const made = await client.create<KubeObject>(kustomizations, {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name, namespace, ...(deleting && { finalizers: ['test.sluice.dev/stays'] }) },
    spec: {
      interval: '10m',
      prune: false,
      suspend: true,
      sourceRef: { kind: 'GitRepository', name: 'x' },
      ...spec,
    },
  } as KubeObject);
  if (held !== undefined) {
    const entries = held.map((id) => ({ id, v: 'v1' }));
    const status = { status: { inventory: { entries } } };
    await client.patch(kustomizations, made.metadata, status, {
      type: 'merge',
      subresource: 'status',
    });
  }
  if (deleting) await client.delete(kustomizations, made.metadata);
  return made as InventoryOwner;
}

const idIn = (name: string) => `${namespace}_${name}__ConfigMap`;
const elsewhere = { kubeConfig: { secretRef: { name: 'cluster' } } };

const cases: { name: string; claim: (() => Claim) | undefined; moved: boolean }[] = [
  { name: 'nobody', claim: undefined, moved: false },
  { name: 'without-inventory', claim: () => ({}), moved: false },
  { name: 'holds-others', claim: () => ({ held: [idIn('other')] }), moved: false },
  { name: 'holds-it', claim: () => ({ held: [idIn('other'), idIn('object')] }), moved: true },
  {
    name: 'elsewhere',
    claim: () => ({ held: [idIn('object')], spec: elsewhere }),
    moved: false,
  },
  { name: 'leaving', claim: () => ({ held: [idIn('object')], deleting: true }), moved: false },
];

test.for(cases)(
  'an object that names another owner has moved only when that one has it: $name',
  async (one) => {
    const { name, claim, moved } = one;
    const from = { metadata: { name: 'from', namespace }, spec: {} } as InventoryOwner;
    if (claim !== undefined) await owner(name, claim());
    const labels = { [`${prefix}/name`]: name, [`${prefix}/namespace`]: namespace };
    const object = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'object', namespace, labels },
    };
    expect(await isMovedFrom(from, object, owners)).toBe(moved);
    if (claim?.().deleting) {
      const patch = { metadata: { finalizers: null } };
      await client.patch(kustomizations, { namespace, name }, patch, { type: 'merge' });
    }
  },
);
