import type { KubeObject } from '@sluice/shared/api';
import { HealthReads, isNewerVersion, lacksValues, leastReadMs } from '@sluice/shared/engine';
import { describe, expect, test } from 'vitest';
import { digestValues } from '../../../src/engine/object/compact-object.ts';

const health = { status: 'Current', message: '' } as const;
const rules = (kind: string, apiVersion = 'v1') => ({
  field: 'spec.healthCheckExprs',
  exprs: [{ apiVersion, kind, current: 'true' }],
});
const of = (kind: string, data: object, apiVersion = 'v1') =>
  digestValues({ apiVersion, kind, metadata: { name: 'x' }, ...data } as KubeObject);

describe('values that no watch shows', () => {
  const crd = { spec: { versions: [{ name: 'v1', schema: { openAPIV3Schema: {} } }] } };
  const extensions = 'apiextensions.k8s.io/v1';
  test.each([
    ['a Secret', of('Secret', { data: { a: 'YQ==' } }), true],
    ['an empty Secret', of('Secret', { data: {} }), false],
    ['a Secret without data', of('Secret', {}), false],
    ['a short ConfigMap', of('ConfigMap', { data: { a: 'a' } }), false],
    ['a long ConfigMap', of('ConfigMap', { data: { a: 'a'.repeat(200) } }), true],
    ['a ConfigMap of bytes', of('ConfigMap', { binaryData: { a: 'a'.repeat(200) } }), true],
    ['a definition', of('CustomResourceDefinition', crd, extensions), true],
    ['a Secret of another group', of('Secret', { data: { a: 'YQ==' } }, 'example.org/v1'), false],
    ['data that is no map', of('Secret', { data: 'text' }), false],
  ])('%s', (_, object, expected) => {
    expect(lacksValues(object, rules(object.kind, object.apiVersion))).toBe(expected);
    expect(lacksValues(object, rules('Other', object.apiVersion))).toBe(false);
  });
});

test.each([
  ['10', '9', true],
  ['9', '10', false],
  ['9', '9', false],
  ['9', undefined, true],
  ['odd', '9', true],
])('version %s after %s: %s', (version, other, expected) => {
  expect(isNewerVersion(version, other)).toBe(expected);
});

test('what was read is outdated by a newer version, and read again two seconds after the last time', () => {
  const reads = new HealthReads();
  expect([reads.isOutdated('a', '1'), reads.dueAt('a')]).toEqual([true, 0]);
  reads.note('a', { resourceVersion: '5', health, at: 1_000 });
  expect(['4', '5', '6'].map((version) => reads.isOutdated('a', version))).toEqual([
    false,
    false,
    true,
  ]);
  expect(reads.dueAt('a')).toBe(1_000 + leastReadMs);
  expect(reads.last('a')).toBe(health);
});

test('a read that failed is always outdated, and objects of no interest are forgotten', () => {
  const reads = new HealthReads();
  reads.note('a', { resourceVersion: undefined, health, at: 0 });
  reads.note('b', { resourceVersion: '5', health, at: 0 });
  expect(reads.isOutdated('a', '1')).toBe(true);
  reads.keepOnly(['b']);
  expect([reads.last('a'), reads.last('b')]).toEqual([undefined, health]);
});
