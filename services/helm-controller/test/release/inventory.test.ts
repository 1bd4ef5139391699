import type { KubeObject } from '@sluice/shared/api';
import { coreResources, NoKindMatchError, type RestMapper } from '@sluice/shared/kube';
import { expect, test } from 'vitest';
import { releaseInventory } from '../../src/release/inventory.ts';

/** Knows the core kinds of the tests. */
const mapper: RestMapper = {
  async resourceFor(gvk) {
    const known = Object.values(coreResources).find(({ kind }) => kind === gvk.kind);
    if (known === undefined) throw new NoKindMatchError(gvk);
    return known;
  },
  expire() {},
  invalidate() {},
  learn() {},
};

function object(kind: string, apiVersion: string, metadata: KubeObject['metadata']): KubeObject {
  return { kind, apiVersion, metadata };
}

test('objects get the namespace of the release where they need one; hooks are left out', async () => {
  const objects = [
    object('Deployment', 'apps/v1', { name: 'b' }),
    object('ConfigMap', 'v1', { name: 'a', namespace: 'other' }),
    object('Namespace', 'v1', { name: 'n' }),
    object('Widget', 'x.io/v1beta1', { name: 'w' }),
    object('Secret', 'v1', { name: 'h', annotations: { 'helm.sh/hook': 'test' } }),
  ];
  const crds = [
    object('CustomResourceDefinition', 'apiextensions.k8s.io/v1', { name: 'widgets.x.io' }),
  ];
  expect(await releaseInventory({ objects, crds, namespace: 'apps' }, mapper)).toEqual([
    { id: '_n__Namespace', v: 'v1' },
    { id: '_w_x.io_Widget', v: 'v1beta1' },
    { id: '_widgets.x.io_apiextensions.k8s.io_CustomResourceDefinition', v: 'v1' },
    { id: 'apps_b_apps_Deployment', v: 'v1' },
    { id: 'other_a__ConfigMap', v: 'v1' },
  ]);
});
