import { coreResources } from '@sluice/shared/kube';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chart } from './harness.ts';
import { dieAtEachStep, type KillBed, startKillBed } from './kill-bed.ts';

let bed: KillBed;
beforeAll(async () => {
  bed = await startKillBed();
});

const made: string[] = [];
afterAll(async () => {
  await Promise.all(
    made.flatMap((name) => [
      bed.client.delete(coreResources.namespaces, { name: `${bed.namespace}-${name}` }),
      bed.client.delete(coreResources.customResourceDefinitions, { name: crdOf(name) }),
    ]),
  );
  await bed.stop();
});

const groupOf = (name: string) => `${name}.test.sluice.dev`;
const crdOf = (name: string) => `things.${groupOf(name)}`;

/** A chart with a CRD of its own and an object of that kind. */
function thingChart(name: string) {
  const group = groupOf(name);
  const schema = { type: 'object' };
  const version = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } };
  const spec = {
    group,
    scope: 'Namespaced',
    names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
    versions: [version],
  };
  const apiVersion = 'apiextensions.k8s.io/v1';
  const metadata = { name: crdOf(name) };
  return chart('1.0.0', {
    'crds/thing.yaml': JSON.stringify({
      apiVersion,
      kind: 'CustomResourceDefinition',
      metadata,
      spec,
    }),
    'templates/thing.yaml': `{ apiVersion: ${group}/v1, kind: Thing, metadata: { name: ${name} } }`,
  });
}

test('an install that is cut short before anything of the release is there begins anew', async () => {
  const { undisturbed, disturbed, wanted } = await dieAtEachStep(bed, {
    async prepare(name) {
      made.push(name);
      await bed.publish(thingChart(name), '1.0.0', name);
    },
    begin: (name) =>
      bed.apply(
        {
          chartRef: { kind: 'ExternalArtifact', name },
          targetNamespace: `${bed.namespace}-${name}`,
          releaseName: name,
          install: { createNamespace: true },
        },
        name,
      ),
    end: (name) => bed.ready('1.0.0', name),
    choose: (steps) =>
      steps.slice(
        0,
        steps.findIndex(({ call }) => call.startsWith('replace Secret/')),
      ),
  });
  expect(Object.keys(disturbed)).toEqual(
    expect.arrayContaining([
      'after apply CustomResourceDefinition/things.NAME.test.sluice.dev #1',
      `after create Namespace/${bed.namespace}-NAME #1`,
      'after apply Thing/NAME #1',
    ]),
  );
  expect(undisturbed).toMatchObject({ helm: 'deployed', deployed: 1, unfinished: 0 });
  expect(undisturbed.inventory).toHaveLength(3);
  expect(disturbed).toEqual(wanted);
});
