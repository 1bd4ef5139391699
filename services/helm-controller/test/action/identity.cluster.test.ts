import type { KubeObject } from '@sluice/shared/api';
import { gvkOf } from '@sluice/shared/kube';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyCrds } from '../../src/action/apply-crds.ts';
import { type Bed, installed, startBed } from './bed.ts';
import { configMap, type Doc, hook, rendered } from './objects.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

const group = `g${Date.now()}.test.sluice.dev`;

/** A definition, as charts bring them. */
function definition(): Doc {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `widgets.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind: 'Widget', plural: 'widgets' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object' } },
        },
      ],
    },
  };
}

const parts: { name: string; object: () => Doc; apply: (object: Doc) => Promise<unknown> }[] = [
  {
    name: 'release',
    object: () => configMap('of-release'),
    apply: (object) => installed(bed, rendered(bed.namespace, [object], { name: 'parts' })),
  },
  {
    name: 'hook',
    object: () => configMap('of-hook'),
    apply: (object) =>
      installed(
        bed,
        rendered(bed.namespace, [], {
          name: 'hooked',
          hooks: [hook(object, ['pre-install'], { delete_policies: ['hook-failed'] })],
        }),
      ),
  },
  {
    name: 'crd',
    object: definition,
    apply: (object) => applyCrds(bed.ctx, [object as KubeObject], 'CreateReplace'),
  },
];

test.for(parts)(
  "fields of Helm's clients are taken over, and nobody else's: $name",
  async (part) => {
    const { client, namespace } = bed;
    const object = part.object();
    const resource = await client.mapper.resourceFor(gvkOf(object));
    const metadata = { ...object.metadata, ...(resource.namespaced && { namespace }) };
    const annotated = (key: string) => ({ metadata: { annotations: { [key]: 'x' } } });
    const before = {
      ...object,
      metadata: { ...metadata, annotations: { helm: 'x' } },
    } as KubeObject;
    const made = await client.create<KubeObject>(resource, before, { fieldManager: 'helm' });
    const byKubectl = { type: 'merge', fieldManager: 'kubectl-annotate' } as const;
    await client.patch(resource, made.metadata, annotated('kubectl'), byKubectl);
    await part.apply(object);
    const after = await client.get<KubeObject>(resource, made.metadata);
    const own = (after.metadata.managedFields ?? []).filter(({ subresource }) => !subresource);
    const managers = own.map(({ manager }) => manager);
    expect(managers).toEqual(expect.arrayContaining(['helm-controller', 'kubectl-annotate']));
    expect(managers).not.toContain('helm');
    expect(after.metadata.annotations).toMatchObject({ kubectl: 'x' });
    expect(after.metadata.annotations).not.toHaveProperty('helm');
    if (!resource.namespaced) await client.delete(resource, made.metadata);
  },
);
