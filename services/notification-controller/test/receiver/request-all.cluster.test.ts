import { randomBytes } from 'node:crypto';
import {
  gitRepositoryKind,
  type KubeObject,
  type Receiver,
  reconcileRequestAnnotation,
} from '@sluice/shared/api';
import { createLogger } from '@sluice/shared/base';
import { type KubeClient, resourceOf } from '@sluice/shared/kube';
import { testCluster, testNamespace } from '@sluice/testing';
import { beforeAll, expect, test } from 'vitest';
import { createRequests, type RequestLimits } from '../../src/receiver/request-all.ts';

type Resources = Receiver['spec']['resources'];

const repositories = resourceOf(gitRepositoryKind);
const limits: RequestLimits = { maxObjects: 3, slots: { total: 3, perShare: 2 } };

let client: KubeClient;
let namespace: string;
beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'requests');
});

async function createRepositories(count: number): Promise<{ names: string[]; app: string }> {
  const app = `r${randomBytes(4).toString('hex')}`;
  const names = Array.from({ length: count }, (_, i) => `${app}-${i}`);
  for (const name of names) {
    await client.create(repositories, {
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind: 'GitRepository',
      metadata: { name, namespace, labels: { app } },
      spec: { interval: '1h', url: 'https://git.example.org/x', suspend: true },
    } as KubeObject);
  }
  return { names, app };
}

const named = (name: string) => ({ kind: 'GitRepository' as const, name });
const labelled = (app: string) => ({ ...named('*'), matchLabels: { app } });

/** The context of a webhook, and the lines that are logged for it. */
function context() {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const logger = createLogger({ level: 'info', name: 'test', destination });
  return { client, controllerName: 'test', noCrossNamespaceRefs: false, logger, lines };
}

function receiverOf(resources: Resources): Receiver {
  return {
    apiVersion: 'notification.toolkit.fluxcd.io/v1',
    kind: 'Receiver',
    metadata: { name: 'app', namespace },
    spec: { type: 'generic', secretRef: { name: 'token' }, resources },
  } as Receiver;
}

async function requestedOf(names: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of names) {
    const { metadata } = await client.get(repositories, { namespace, name });
    if (metadata.annotations?.[reconcileRequestAnnotation] !== undefined) found.push(name);
  }
  return found;
}

test('an object that many entries name is asked once', async () => {
  const { names, app } = await createRepositories(2);
  const again = Array.from({ length: 20 }, () => named(names[0] as string));
  const { lines, ...rest } = context();
  const answer = await createRequests(limits)(receiverOf([...again, labelled(app)]), rest);
  expect(answer).toEqual({ status: 200 });
  expect(await requestedOf(names)).toEqual(names);
  expect(lines.filter(({ msg }) => msg === 'Reconciliation requested')).toHaveLength(2);
});

test('more objects than one webhook may ask are refused with the field, and those before are asked', async () => {
  const { names, app } = await createRepositories(5);
  const { lines, ...rest } = context();
  const answer = await createRequests(limits)(receiverOf([labelled(app)]), rest);
  expect(answer).toEqual({ status: 500 });
  expect(await requestedOf(names)).toHaveLength(3);
  expect(lines).toContainEqual(
    expect.objectContaining({
      field: 'spec.resources[0]',
      error: 'spec.resources selects more than 3 objects: make several Receivers',
    }),
  );
});

test('entries at fault are logged up to a number', async () => {
  const { lines, ...rest } = context();
  const missing = Array.from({ length: 50 }, (_, i) => ({ ...named(`missing-${i}`) }));
  const request = createRequests({ ...limits, maxObjects: 100 });
  expect(await request(receiverOf(missing), rest)).toEqual({ status: 500 });
  expect(lines.filter(({ level }) => level === 'error')).toHaveLength(21);
  expect(lines.at(-1)).toMatchObject({ entries: 50 });
});
