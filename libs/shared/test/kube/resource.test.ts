import { gitRepositoryKind } from '@sluice/shared/api';
import {
  apiVersionString,
  coreResources,
  gvkOf,
  keyOf,
  parseKey,
  resourceOf,
} from '@sluice/shared/kube';
import { describe, expect, test } from 'vitest';
import { collectionPath, objectPath, withQuery } from '../../src/kube/paths.ts';

describe('names of kinds and objects', () => {
  test.each([
    { name: 'namespaced', object: { namespace: 'ns', name: 'a.b' }, key: 'ns/a.b' },
    { name: 'cluster-scoped', object: { name: 'system:x' }, key: 'system:x' },
  ])('a key round-trips: $name', ({ object, key }) => {
    expect(keyOf(object)).toBe(key);
    expect(keyOf({ apiVersion: 'v1', kind: 'X', metadata: object })).toBe(key);
    expect(parseKey(key)).toEqual(object);
  });

  test.each(['v1', 'apps/v1'])('apiVersion %s round-trips', (apiVersion) => {
    expect(apiVersionString(gvkOf({ apiVersion, kind: 'X' }))).toBe(apiVersion);
  });

  test('the resource of our own kind', () => {
    expect(resourceOf(gitRepositoryKind)).toEqual({
      group: 'source.toolkit.fluxcd.io',
      version: 'v1',
      kind: 'GitRepository',
      plural: 'gitrepositories',
      namespaced: true,
    });
  });
});

describe('paths', () => {
  const { deployments, namespaces, configMaps, clusterRoleBindings } = coreResources;
  test.each([
    { path: collectionPath(deployments), is: '/apis/apps/v1/deployments' },
    { path: collectionPath(configMaps, 'ns'), is: '/api/v1/namespaces/ns/configmaps' },
    { path: objectPath(namespaces, { name: 'a' }), is: '/api/v1/namespaces/a' },
    {
      path: objectPath(namespaces, { name: 'a', namespace: 'ignored' }),
      is: '/api/v1/namespaces/a',
    },
    {
      path: objectPath(deployments, { name: 'a', namespace: 'ns' }, 'status'),
      is: '/apis/apps/v1/namespaces/ns/deployments/a/status',
    },
    {
      path: objectPath(clusterRoleBindings, { name: 'system:a' }),
      is: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/system%3Aa',
    },
    { path: withQuery('/a', { b: 'c d', e: undefined, f: false, g: 1 }), is: '/a?b=c%20d&g=1' },
    { path: withQuery('/a?x=y', { b: true }), is: '/a?x=y&b=true' },
  ])('$is', ({ path, is }) => {
    expect(path).toBe(is);
  });
});
