import { expect, test } from 'vitest';
import { lastDefinitions } from '../../src/kustomization/last-definitions.ts';

const thing = (apiVersion: string, name: string, namespace = 'team') => ({
  apiVersion,
  kind: 'Thing',
  metadata: { name, namespace },
});

test('of an object in two versions the last one counts, in its place', () => {
  const [first, other, last] = [
    thing('example.com/v1', 'a'),
    thing('example.com/v1', 'b'),
    thing('example.com/v2', 'a'),
  ];
  expect(lastDefinitions([first, other, last])).toEqual({
    objects: [other, last],
    warnings: [
      'Thing/team/a is defined more than once, and the last definition counts; remove that of example.com/v1',
    ],
  });
});

test('objects of one name in other namespaces and groups are all kept', () => {
  const objects = [
    thing('example.com/v1', 'a'),
    thing('example.com/v1', 'a', 'other'),
    thing('other.example.com/v1', 'a'),
  ];
  expect(lastDefinitions(objects)).toEqual({ objects, warnings: [] });
});
