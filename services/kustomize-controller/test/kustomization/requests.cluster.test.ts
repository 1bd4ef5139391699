import { join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';
import { FakeClock } from '@sluice/shared/base';
import {
  coreResources,
  createKubeClient,
  gvkOf,
  type KubeClient,
  loadKubeConfig,
} from '@sluice/shared/kube';
import {
  auditedRequests,
  type ControlPlane,
  installCrds,
  startControlPlane,
  until,
} from '@sluice/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Bed, configMap, deployment, startBed } from './harness.ts';

/** What the controller calls itself in the audit log. */
const userAgent = 'controller-under-test';
const root = join(import.meta.dirname, '../../../..');

interface Event extends KubeObject {
  involvedObject: { name: string };
  message: string;
  count: number;
}

let plane: ControlPlane;
let client: KubeClient;
let bed: Bed;
const clients: KubeClient[] = [];

function connect(agent: string): KubeClient {
  const config = loadKubeConfig({ path: plane.kubeconfigPath });
  const made = createKubeClient(config, { userAgent: agent });
  clients.push(made);
  return made;
}

beforeAll(async () => {
  plane = await startControlPlane({ audit: true, kwok: false, scheduler: false });
  await installCrds(root, plane.kubeconfigPath);
  client = connect('test');
  // For the controller, everything is over within no time: a slow machine makes it write no more.
  bed = await startBed([], {
    cluster: { client, kubeconfigPath: plane.kubeconfigPath },
    clock: new FakeClock(),
    wrap: () => connect(userAgent),
  });
});
afterAll(async () => {
  await bed?.stop();
  await Promise.all(clients.map((each) => each.close()));
  await plane?.stop();
});

/** Four objects of one name, one of which holds the version. */
function files(name: string, version: string): Record<string, string> {
  const object = (kind: string, more: object = {}) =>
    JSON.stringify({ apiVersion: 'v1', kind, metadata: { name, labels: { team: 'x' } }, ...more });
  return {
    'account.yaml': object('ServiceAccount'),
    'service.yaml': object('Service', { spec: { selector: { app: name }, ports: [{ port: 80 }] } }),
    'config.yaml': configMap(name, { version }),
    'deployment.yaml': deployment(name),
  };
}

/** Events about the Kustomization, once they tell of a revision. */
async function eventsOf(name: string, revision: string): Promise<Event[]> {
  return vi.waitFor(
    async () => {
      const { items } = await client.list<Event>(coreResources.events, {
        namespace: bed.namespace,
      });
      const own = items.filter(({ involvedObject }) => involvedObject.name === name);
      expect(JSON.stringify(own)).toContain(revision);
      return own;
    },
    { timeout: 60_000, interval: 50 },
  );
}

/** Requests of the controller for the objects of a name, and for the Kustomization, with their numbers. */
async function requests(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const request of await auditedRequests(plane.dir)) {
    const { namespace, name, verb, resource } = request;
    if (request.userAgent !== userAgent || namespace !== bed.namespace) continue;
    if (resource === 'events' || (name !== 'app' && name !== 'web')) continue;
    const what = `${verb} ${resource}`;
    counts[what] = (counts[what] ?? 0) + 1;
  }
  return counts;
}

/**
 * Waits until the log has these requests in all and no others. The server writes a line a little after its answer, so
 * that one too many may show at the next look only, which counts from the beginning, too.
 */
async function untilRequested(wanted: Record<string, number>): Promise<void> {
  const look = async () => expect(await requests()).toEqual(wanted);
  await vi.waitFor(look, { timeout: 60_000, interval: 50 });
}

/** Waits until the watches have seen everything so far: what is deleted now, of each kind, they see after it. */
async function watchesCaughtUp(): Promise<void> {
  const manifests = files('last', '1');
  await bed.publish(manifests, 'last@1', 'last');
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name: 'last' } }, 'last');
  await bed.ready('last@1', 'last');
  const key = { namespace: bed.namespace, name: 'last' };
  for (const text of Object.values(manifests)) {
    const resource = await client.mapper.resourceFor(gvkOf(JSON.parse(text) as KubeObject));
    const { uid } = (await client.get(resource, key)).metadata;
    await client.delete(resource, key);
    await until(client, resource, key, ({ metadata }) => metadata.uid !== uid);
  }
}

test('an app of four objects takes eight requests to install, three to upgrade and one to look at', async () => {
  await bed.publish(files('web', '1'), 'r@1');
  await bed.apply({ wait: true });
  await bed.ready('r@1');
  const installed = {
    'patch kustomizations': 1,
    'patch kustomizations/status': 2,
    'patch configmaps': 1,
    'patch deployments': 1,
    'patch serviceaccounts': 1,
    'patch services': 1,
  };
  await untilRequested(installed);
  const [first, ...more] = await eventsOf('app', 'r@1');
  expect(more).toEqual([]);
  expect(first?.count).toBe(1);
  const lines = first?.message.split('\n') ?? [];
  expect(lines.toSorted().slice(-2)).toEqual([
    expect.stringMatching(/^Service\/.*web created$/),
    expect.stringMatching(/^ServiceAccount\/.*web created$/),
  ]);
  expect(lines.at(-1)).toMatch(/^Reconciliation finished in/);

  await watchesCaughtUp();
  await bed.publish(files('web', '2'), 'r@2');
  await bed.ready('r@2');
  const upgraded = { ...installed, 'patch kustomizations/status': 3, 'patch configmaps': 2 };
  await untilRequested(upgraded);
  expect(await eventsOf('app', 'r@2')).toHaveLength(2);

  for (const [at, revision] of ['r@3', 'r@4'].entries()) {
    await bed.publish({ ...files('web', '2'), 'README.md': `unrelated ${at}` }, revision);
    await bed.ready(revision);
    await untilRequested({ ...upgraded, 'patch kustomizations/status': 4 + at });
    await bed.event(({ metadata }) => JSON.stringify(metadata).includes(revision));
  }
  expect(await eventsOf('app', 'r@2')).toHaveLength(2);
});
