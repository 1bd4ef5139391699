import { computeHealth } from '@sluice/shared/engine';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildFluxVerdicts, buildTimeoutMs, type FluxVerdicts } from './flux-verdicts.ts';
import { mutationsOf } from './verdict-mutations.ts';
import { verdictObjects } from './verdict-objects.ts';
import type { Found } from './verdict-states.ts';

let flux: FluxVerdicts;

beforeAll(async () => {
  flux = await buildFluxVerdicts();
}, buildTimeoutMs);
afterAll(() => flux.remove());

/** Returns the verdicts that differ, by name; what Flux itself cannot bear has none. */
async function differences(objects: readonly Found[]): Promise<string[]> {
  const theirs = await flux.of(objects.map(({ object }) => object));
  return objects.flatMap(({ name, object }, index) => {
    const [ours, expected] = [computeHealth(object).status, theirs[index]?.status];
    const isSame = ours === expected || expected === 'Panic';
    return isSame ? [] : [`${name}: ${ours}, in Flux ${expected}`];
  });
}

test('objects of every kind get the verdict that Flux gives them', async () => {
  const theirs = await flux.of(verdictObjects.map(({ object }) => object));
  expect(new Set(theirs.map(({ status }) => status))).toEqual(
    new Set(['Current', 'InProgress', 'Failed', 'Terminating', 'Unknown']),
  );
  expect(await differences(verdictObjects)).toEqual([]);
});

test('whatever single field of them differs, the verdict is that of Flux', async () => {
  expect(await differences(verdictObjects.flatMap(mutationsOf))).toEqual([]);
});

test('an APIService is the exception: in progress until its server answers, where Flux has it ready', async () => {
  const object = {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: 'v1.example.com' },
    spec: { service: { name: 'x', namespace: 'apps' } },
  };
  const [theirs] = await flux.of([object]);
  expect([computeHealth(object).status, theirs?.status]).toEqual(['InProgress', 'Current']);
});
