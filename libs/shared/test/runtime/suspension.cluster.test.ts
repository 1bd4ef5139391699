import { type GitRepository, gitRepositoryKind } from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import { createInformer, type KubeClient, resourceOf } from '@sluice/shared/kube';
import { testCluster, testNamespace, until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createController } from '../../src/runtime/controller.ts';
import { createMetrics } from '../../src/runtime/observe/metrics.ts';
import { done, type EventInput } from '../../src/runtime/reconciler.ts';
import { conditionsOf, findCondition } from '../../src/runtime/status/conditions.ts';

const resource = resourceOf(gitRepositoryKind);
const stop = new AbortController();
const events: (EventInput & { name: string })[] = [];
let client: KubeClient;
let namespace: string;
let running: Promise<void>;

beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'suspension');
  const controller = createController<GitRepository>({
    reconciler: {
      kind: gitRepositoryKind,
      controllerName: 'source-controller',
      async reconcile({ status }) {
        status.ready('Succeeded', 'fine');
        return done();
      },
    },
    client,
    informer: createInformer<GitRepository>({ client, resource, namespace }),
    concurrency: 4,
    events: {
      record: async ({ metadata: { name } }, event) => void events.push({ ...event, name }),
      flush: () => Promise.resolve(),
    },
    metrics: createMetrics('source-controller'),
    logger: silentLogger,
    minRetryDelayMs: 10,
    maxRetryDelayMs: 100,
    intervalJitterPercentage: 0,
  });
  running = controller.run(stop.signal);
});
afterAll(async () => {
  stop.abort();
  await running;
});

const prefix = 'suspend.sluice.dev';
const merge = { type: 'merge', fieldManager: 'somebody' } as const;

const create = (name: string, annotations: Record<string, string> = {}, suspend = true) =>
  client.create<GitRepository>(resource, {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name, namespace, annotations },
    spec: { interval: '10m', url: 'https://git.example.com/x', suspend },
  } as GitRepository);
const patch = (name: string, change: object) =>
  client.patch<GitRepository>(resource, { namespace, name }, change, merge);
const when = (name: string, predicate: (object: GitRepository) => boolean) =>
  until<GitRepository>(client, resource, { namespace, name }, predicate);
const suspended = (object: GitRepository) => findCondition(conditionsOf(object), 'Suspended');
const isReady = (object: GitRepository) =>
  findCondition(conditionsOf(object), 'Ready')?.status === 'True';
const eventsOf = (name: string) =>
  events.filter((event) => event.name === name).map(({ reason, message }) => [reason, message]);
const annotationsOf = ({ metadata }: GitRepository) =>
  Object.keys(metadata.annotations ?? {}).filter((key) => key.startsWith(prefix));

test('what a suspension is for shows, and it ends by itself', async () => {
  const until = (time: string) => ({ [`${prefix}/until`]: time });
  const late = '2999-01-01T00:00:00Z';
  await create('short', {
    [`${prefix}/reason`]: 'the registry moves',
    [`${prefix}/by`]: 'alice@example.com',
    ...until(late),
  });
  const messageOf = (end: string) =>
    `Suspended by alice@example.com until ${end}: the registry moves`;
  const shown = await when('short', (object) => suspended(object) !== undefined);
  const message = messageOf(late);
  expect(suspended(shown)).toMatchObject({ status: 'True', reason: 'Suspended', message });
  expect(isReady(shown)).toBe(false);

  const soon = new Date(Date.now() + 2_000).toISOString();
  await patch('short', { metadata: { annotations: until(soon) } });
  const resumed = await when('short', (object) => isReady(object) && !suspended(object));
  expect(resumed.spec.suspend).toBe(false);
  expect(annotationsOf(resumed)).toEqual([]);
  const told = eventsOf('short');
  expect(told[0]).toEqual(['Suspended', message]);
  const end = `${messageOf(soon)}; it has ended, and the object is resumed`;
  expect(told.at(-1)).toEqual(['Resumed', end]);
});

test('what is resumed by hand leaves nothing for the next suspension', async () => {
  await create('by-hand', { [`${prefix}/until`]: '2999-01-01T00:00:00Z' });
  await when('by-hand', (object) => suspended(object) !== undefined);
  await patch('by-hand', { spec: { suspend: false } });
  const resumed = await when('by-hand', (object) => isReady(object) && !suspended(object));
  expect(annotationsOf(resumed)).toEqual([]);
});

test('annotations may come before the suspension', async () => {
  await create('prepared', { [`${prefix}/reason`]: 'maintenance' }, false);
  await when('prepared', isReady);
  await patch('prepared', { spec: { suspend: true } });
  const shown = await when('prepared', (object) => suspended(object) !== undefined);
  expect(suspended(shown)?.message).toBe('Suspended: maintenance');
});

const wrong: { name: string; until: string; says: string }[] = [
  { name: 'word', until: 'tomorrow', says: "'tomorrow' is no time" },
  { name: 'local', until: '2999-01-01T00:00:00', says: 'is no time' },
  { name: 'no-day', until: '2999-13-41T00:00:00Z', says: 'is no time' },
  { name: 'past', until: '2020-01-01T00:00:00Z', says: 'was over before' },
];

test.for(wrong)('an end that cannot be used is warned of: $name', async ({ name, until, says }) => {
  await create(name, { [`${prefix}/until`]: until });
  const shown = await when(name, (object) => suspended(object) !== undefined);
  expect(suspended(shown)?.reason).toBe('InvalidSuspension');
  expect(suspended(shown)?.message).toContain(says);
  expect(shown.spec.suspend).toBe(true);
  expect(events.filter((event) => event.name === name)).toMatchObject([
    { severity: 'error', reason: 'InvalidSuspension' },
  ]);
  await patch(name, { metadata: { annotations: { [`${prefix}/until`]: '2999-01-01T00:00:00Z' } } });
  const corrected = await when(name, (object) => suspended(object)?.reason === 'Suspended');
  expect(corrected.spec.suspend).toBe(true);
  await patch(name, { metadata: { annotations: { [`${prefix}/until`]: null } } });
  await when(name, (object) => suspended(object) === undefined);
});

test('what ended while nobody looked is resumed', async () => {
  await create('late', { [`${prefix}/until`]: '2999-01-01T00:00:00Z' });
  await when('late', (object) => suspended(object)?.reason === 'Suspended');
  await patch('late', {
    metadata: { annotations: { [`${prefix}/until`]: '2020-01-01T00:00:00Z' } },
  });
  const resumed = await when('late', (object) => isReady(object) && !suspended(object));
  expect(resumed.spec.suspend).toBe(false);
});
