import { join } from 'node:path';
import { allKinds, type KubeObject } from '@sluice/shared/api';
import type { KubeClient } from '@sluice/shared/kube';
import { testCluster, testNamespace } from '@sluice/testing';
import { beforeAll, expect, test } from 'vitest';
import { problemsOf } from './check.ts';
import { examplesOf, isObject, objectsOf, pages } from './examples.ts';

let client: KubeClient;
let namespace: string;
beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'docs');
});

const guides = pages.filter(
  (page) => page.startsWith(join('docs', 'guides')) && !page.endsWith('README.md'),
);

test.for(pages)('the API server takes the examples of %s', async (page) => {
  const objects = objectsOf(page);
  expect(await problemsOf(objects, { client, namespace })).toEqual([]);
});

test('a field that does not exist is found', async () => {
  const object = {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name: 'wrong' },
    spec: { interval: '1m', url: 'https://git.example.com/shop.git', branch: 'main' },
  };
  const [problem] = await problemsOf([{ object: object as KubeObject, at: 'page' }], {
    client,
    namespace,
  });
  expect(problem).toContain('.spec.branch');
});

test('every kind has a guide whose first example is of that kind', () => {
  const first = guides.map((page) => objectsOf(page)[0]?.object.kind).sort();
  expect(first).toEqual(allKinds.map(({ kind }) => kind).sort());
});

test('every block of a guide is an object or a fragment of the spec of one', () => {
  const others = guides.flatMap((page) =>
    examplesOf(page).filter(({ documents }) =>
      documents.some((document) => !isObject(document) && !('spec' in (document as object))),
    ),
  );
  expect(others.map(({ page, line }) => `${page}:${line}`)).toEqual([]);
});
