import { coreResources, type KubeClient } from '@sluice/shared/kube';
import { describe, expect, it } from 'vitest';
import { fencedClient } from '../../../src/runtime/leader/fenced-client.ts';
import { LeadershipLostError } from '../../../src/runtime/leader/leadership.ts';

const calls: string[] = [];

function answer(name: string) {
  return async () => void calls.push(name);
}

const real = {
  identity: 'admin',
  get: answer('get'),
  patch: answer('patch'),
  create: answer('create'),
  request: answer('request'),
  async *watch() {
    yield { type: 'BOOKMARK' };
  },
  impersonate: () => real,
} as unknown as KubeClient;

const key = { name: 'x' };
const resource = coreResources.nodes;

describe('fencedClient', () => {
  it('passes everything on while this process leads', async () => {
    const client = fencedClient(real, () => true);
    await client.patch(resource, key, {}, { type: 'merge' });
    await client.request('POST', '/');
    expect(calls.splice(0)).toEqual(['patch', 'request']);
    expect(client.identity).toBe('admin');
  });

  it.each([
    { name: 'patch', write: (c: KubeClient) => c.patch(resource, key, {}, { type: 'merge' }) },
    {
      name: 'create of an impersonating client',
      write: (c: KubeClient) =>
        c.impersonate({ user: 'a' }).create(resource, { apiVersion: '', kind: '', metadata: key }),
    },
    { name: 'raw POST', write: (c: KubeClient) => c.request('POST', '/') },
  ])('refuses a $name once it does not', async ({ write }) => {
    const client = fencedClient(real, () => false);
    await expect(write(client)).rejects.toThrow(LeadershipLostError);
    expect(calls).toEqual([]);
  });

  it('lets it read nevertheless', async () => {
    const client = fencedClient(real, () => false);
    await client.get(resource, key);
    await client.request('GET', '/readyz');
    for await (const event of client.watch(resource, { resourceVersion: '1' })) {
      expect(event.type).toBe('BOOKMARK');
    }
    expect(calls.splice(0)).toEqual(['get', 'request']);
  });
});
