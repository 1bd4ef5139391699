import type { KubeObject } from '@sluice/shared/api';
import { StalledError } from '@sluice/shared/base';
import { expect, test } from 'vitest';
import {
  applierIdOf,
  checkReferenceCount,
  type Dependant,
  type DependencyReference,
  objectReferenceOf,
} from '../../src/applier/dependency-reference.ts';

const dependant = (dependsOn: DependencyReference[] = []) =>
  ({
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { namespace: 'ns', name: 'app' },
    spec: { dependsOn },
  }) as KubeObject as Dependant;

const field = 'spec.dependsOn[0]';

const appliers: { name: string; reference: DependencyReference; id: string | undefined }[] = [
  { name: 'own kind', reference: { name: 'x' }, id: 'Kustomization/ns/x' },
  { name: 'empty fields', reference: { name: 'x', kind: '' }, id: 'Kustomization/ns/x' },
  { name: 'namespace', reference: { name: 'x', namespace: 'b' }, id: 'Kustomization/b/x' },
  { name: 'other kind', reference: { name: 'x', kind: 'HelmRelease' }, id: 'HelmRelease/ns/x' },
  {
    name: 'with its group',
    reference: { name: 'x', kind: 'HelmRelease', apiVersion: 'helm.toolkit.fluxcd.io/v2' },
    id: 'HelmRelease/ns/x',
  },
  {
    name: 'in another group',
    reference: { name: 'x', kind: 'Kustomization', apiVersion: 'example.com/v1' },
    id: undefined,
  },
  {
    name: 'any kind',
    reference: { name: 'x', kind: 'ConfigMap', apiVersion: 'v1' },
    id: undefined,
  },
  { name: 'a word of JavaScript', reference: { name: 'x', kind: 'toString' }, id: undefined },
];

test.for(appliers)(
  'a reference means a Kustomization or HelmRelease: $name',
  ({ reference, id }) => {
    expect(applierIdOf(dependant(), reference, 'Kustomization')).toBe(id);
  },
);

test('a reference to another kind names group, version, kind and key', () => {
  const reference = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
  expect(objectReferenceOf(dependant(), reference, field)).toEqual({
    gvk: { group: 'apps', version: 'v1', kind: 'Deployment' },
    key: { namespace: 'ns', name: 'web' },
  });
});

const nonsense: { name: string; reference: Partial<DependencyReference>; says: string }[] = [
  { name: 'no kind', reference: { apiVersion: 'apps/v1' }, says: `${field}.kind is missing` },
  { name: 'no version', reference: { kind: 'Pod' }, says: `${field}.apiVersion is missing` },
  {
    name: 'a subresource',
    reference: { apiVersion: 'apps/v1', kind: 'Deployment/status' },
    says: `${field}.kind 'Deployment/status' is no name of a kind`,
  },
  {
    name: 'a path',
    reference: { apiVersion: '../v1', kind: 'Pod' },
    says: `${field}.apiVersion '../v1' is no API version`,
  },
  {
    name: 'two groups',
    reference: { apiVersion: 'a/b/v1', kind: 'Pod' },
    says: `${field}.apiVersion 'a/b/v1' is no API version`,
  },
];

test.for(nonsense)('what can be no object stalls: $name', ({ reference, says }) => {
  const read = () => objectReferenceOf(dependant(), { name: 'x', ...reference }, field);
  expect(read).toThrow(StalledError);
  expect(read).toThrow(says);
});

test('an object may depend on 100 objects of other kinds, and on any number of its own', () => {
  const other = (index: number) => ({ apiVersion: 'v1', kind: 'Pod', name: `pod-${index}` });
  const pods = Array.from({ length: 100 }, (_, index) => other(index));
  const own = Array.from({ length: 200 }, (_, index) => ({ name: `app-${index}` }));
  const check = (references: DependencyReference[]) => () =>
    checkReferenceCount(dependant(references), 'Kustomization');
  expect(check([...pods, ...own])).not.toThrow();
  expect(check([...pods, other(100)])).toThrow('names 101 objects of other kinds');
});
