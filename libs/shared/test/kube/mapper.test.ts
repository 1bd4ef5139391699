import { FakeClock } from '@sluice/shared/base';
import { NoKindMatchError } from '@sluice/shared/kube';
import { describe, expect, test } from 'vitest';
import { DiscoveryMapper } from '../../src/kube/mapper.ts';

function group(name: string, version: string, kinds: Record<string, string>) {
  const resources = Object.entries(kinds).map(([resource, kind]) => ({
    resource,
    scope: kind === 'Namespace' ? 'Cluster' : 'Namespaced',
    verbs: ['get'],
    responseKind: { group: name, version, kind },
  }));
  return { metadata: { name }, versions: [{ version, resources }] };
}

function setup() {
  const clock = new FakeClock();
  const served = [group('apps', 'v1', { deployments: 'Deployment' })];
  const asked: { path: string; headers: Record<string, string> }[] = [];
  let revision = 1;
  const mapper = new DiscoveryMapper({
    clock,
    minRefreshMs: 1000,
    get: async (path, headers) => {
      asked.push({ path, headers });
      const core = [group('', 'v1', { namespaces: 'Namespace', pods: 'Pod' })];
      const etag = `"${revision}"`;
      if (headers['if-none-match'] === etag) return { status: 304, headers: {}, body: '' };
      const items = path === '/api' ? core : served;
      return { status: 200, headers: { etag }, body: structuredClone({ items }) };
    },
  });
  const serve = (name: string, version: string, kinds: Record<string, string>) => {
    served.push(group(name, version, kinds));
    revision++;
  };
  return { clock, mapper, asked, serve };
}

const deployment = { group: 'apps', version: 'v1', kind: 'Deployment' };
const thing = { group: 'example.com', version: 'v1', kind: 'Thing' };

describe('mapper', () => {
  test('all kinds come from one request for each document, also when many ask at once', async () => {
    const { mapper, asked } = setup();
    const core = (kind: string) => mapper.resourceFor({ group: '', version: 'v1', kind });
    const [found, namespace] = await Promise.all([
      mapper.resourceFor(deployment),
      core('Namespace'),
      core('Pod'),
    ]);
    expect(found).toEqual({
      ...deployment,
      plural: 'deployments',
      namespaced: true,
      verbs: ['get'],
    });
    expect(namespace?.namespaced).toBe(false);
    expect(asked.map(({ path }) => path)).toEqual(['/api', '/apis']);
    expect(asked[0]?.headers['accept']).toBe(
      'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
    );
  });

  test('an unknown kind is named, and asked for no more often than the floor', async () => {
    const { mapper, asked, clock } = setup();
    for (let n = 0; n < 3; n++) {
      await expect(mapper.resourceFor(thing)).rejects.toThrow(NoKindMatchError);
    }
    expect(asked).toHaveLength(2);
    await clock.advance(1000);
    await expect(mapper.resourceFor(thing)).rejects.toThrow(
      'the cluster serves no kind Thing in example.com/v1',
    );
    expect(asked).toHaveLength(4);
  });

  test('a kind that appears is found at the next refresh', async () => {
    const { mapper, clock, serve } = setup();
    await mapper.resourceFor(deployment);
    serve('example.com', 'v1', { things: 'Thing' });
    await clock.advance(1000);
    expect((await mapper.resourceFor(thing)).plural).toBe('things');
  });

  test('invalidating lifts the floor and forgets what was known', async () => {
    const { mapper, serve, asked } = setup();
    await mapper.resourceFor(deployment);
    serve('example.com', 'v1', { things: 'Thing' });
    mapper.invalidate();
    expect((await mapper.resourceFor(thing)).plural).toBe('things');
    await mapper.resourceFor(deployment);
    expect(asked).toHaveLength(4);
  });

  test('a document that did not change is not sent again', async () => {
    const { mapper, asked, clock } = setup();
    await mapper.resourceFor(deployment);
    await clock.advance(1000);
    await expect(mapper.resourceFor(thing)).rejects.toThrow(NoKindMatchError);
    expect(asked[2]?.headers['if-none-match']).toBe('"1"');
    await expect(mapper.resourceFor(deployment)).resolves.toBeDefined();
  });

  test('expiring lifts the floor and keeps what is known', async () => {
    const { mapper, serve, asked } = setup();
    await mapper.resourceFor(deployment);
    serve('example.com', 'v1', { things: 'Thing' });
    mapper.expire();
    await mapper.resourceFor(deployment);
    expect(asked).toHaveLength(2);
    expect((await mapper.resourceFor(thing)).plural).toBe('things');
  });

  test('a kind that is missing is told with the versions that have it', async () => {
    const { mapper, serve } = setup();
    serve('example.com', 'v2', { things: 'Thing' });
    await expect(mapper.resourceFor(thing)).rejects.toThrow(
      'the cluster serves no kind Thing in example.com/v1: it has the kind in example.com/v2; correct apiVersion',
    );
  });

  test.each([
    { group: 'image.toolkit.fluxcd.io', kind: 'ImagePolicy', isOurs: false },
    { group: 'fluxcd.controlplane.io', kind: 'FluxInstance', isOurs: false },
    { group: 'source.toolkit.fluxcd.io', kind: 'GitRepository', isOurs: true },
    { group: 'example.com', kind: 'Thing', isOurs: true },
  ])('a missing $kind is told with who would reconcile it', async ({ group, kind, isOurs }) => {
    const { mapper } = setup();
    const error = await mapper.resourceFor({ group, version: 'v1', kind }).catch((e) => e);
    expect(error.message.includes('none of Sluice reconciles this kind')).toBe(!isOurs);
    expect(error.message).toContain('install its CRD');
  });

  test('a learned kind needs no request', async () => {
    const { mapper, asked } = setup();
    const resource = { ...thing, plural: 'things', namespaced: false };
    mapper.learn([resource]);
    expect(await mapper.resourceFor(thing)).toEqual(resource);
    expect(asked).toEqual([]);
  });

  test('a kind that one user of the mapper has established outlives the looking up by another', async () => {
    const { mapper } = setup();
    const resource = { ...thing, plural: 'things', namespaced: true };
    mapper.learn([resource]);
    mapper.invalidate();
    mapper.learn([{ ...resource, kind: 'Other', plural: 'others' }]);
    expect(await mapper.resourceFor(thing)).toEqual(resource);
  });

  test('a version that a definition serves no more is not known any more', async () => {
    const { mapper } = setup();
    const resource = { ...thing, plural: 'things', namespaced: true };
    mapper.learn([resource, { ...resource, version: 'v2' }]);
    mapper.learn([{ ...resource, version: 'v2' }]);
    await expect(mapper.resourceFor(thing)).rejects.toThrow('it has the kind in example.com/v2');
  });
});
