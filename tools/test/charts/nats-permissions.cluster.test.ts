import { readFile, writeFile } from 'node:fs/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection, PermissionViolationError } from '@nats-io/transport-node';
import { silentLogger } from '@sluice/shared/base';
import {
  alertingSubject,
  alertingSubjects,
  auditRecords,
  auditSubject,
  connectBus,
  consume,
  deliveredSubject,
  deliveredSubjects,
  type FollowedMessage,
  follow,
  keepBucket,
  ObjectBucket,
  streamsOwnedBy,
} from '@sluice/shared/bus';
import { temporaryFolder } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { withAll } from './matrix.ts';
import { type ChartNats, startChartNats } from './nats-servers.ts';
import { verbsOf } from './nats-verbs.ts';

const users = [
  'source-controller',
  'kustomize-controller',
  'helm-controller',
  'notification-controller',
  'source-watcher',
  'auditor',
] as const;
const owned = [
  'ARTIFACTS',
  'EVENTS',
  'DELIVERIES',
  'DEADLETTER',
  'DELIVERED',
  'ALERTING',
  'AUDIT',
].map((name) => `SLUICE_${name}`);
/** Of the artifacts; those who store them fill and empty it. */
const bucket = 'OBJ_sluice-artifacts';
const streams = [...owned, bucket, 'SLUICE_OTHER', 'OTHER'];
const consumers = [...users, 'spy'];
const kinds = [
  'artifact',
  'event',
  'delivery',
  'deadletter',
  'delivered',
  'alerting',
  'audit',
  'other',
];

const storesArtifacts = [
  'sluice.artifact.x',
  'sluice.event.x',
  '$O.sluice-artifacts.C.x',
  '$O.sluice-artifacts.M.x',
  `$JS.API.DIRECT.GET.${bucket}`,
  `$JS.API.DIRECT.GET.${bucket}.$O.sluice-artifacts.M.x`,
  `$JS.API.STREAM.INFO.${bucket}`,
  `$JS.API.STREAM.PURGE.${bucket}`,
];

/** What each may publish, of everything that there is; nothing else. */
const allowed: Record<(typeof users)[number], string[]> = {
  'source-controller': storesArtifacts,
  'source-watcher': storesArtifacts,
  'kustomize-controller': ['sluice.event.x', 'sluice.audit.x'],
  'helm-controller': ['sluice.event.x', 'sluice.audit.x'],
  auditor: ['$JS.API.STREAM.INFO.SLUICE_AUDIT', '$JS.API.DIRECT.GET.SLUICE_AUDIT'],
  'notification-controller': [
    ...['event', 'delivery', 'deadletter', 'delivered', 'alerting'].map(
      (kind) => `sluice.${kind}.x`,
    ),
    ...[...owned, bucket].flatMap((stream) =>
      ['INFO', 'CREATE', 'UPDATE'].map((verb) => `$JS.API.STREAM.${verb}.${stream}`),
    ),
    '$JS.API.CONSUMER.CREATE.SLUICE_EVENTS.notification-controller',
    '$JS.API.CONSUMER.CREATE.SLUICE_AUDIT.notification-controller',
    // What all Providers shared once.
    '$JS.API.CONSUMER.DELETE.SLUICE_DELIVERIES.notification-controller',
    // One for each Provider, of whatever name, and of its deliveries only.
    ...consumers.map(
      (name) => `$JS.API.CONSUMER.CREATE.SLUICE_DELIVERIES.${name}.sluice.delivery.apps.chat`,
    ),
    ...[
      'SLUICE_EVENTS.notification-controller',
      'SLUICE_AUDIT.notification-controller',
      ...consumers.map((name) => `SLUICE_DELIVERIES.${name}`),
    ].flatMap((consumer) => [
      `$JS.API.CONSUMER.INFO.${consumer}`,
      `$JS.API.CONSUMER.MSG.NEXT.${consumer}`,
      `$JS.ACK.${consumer}.1.1.1.1.1`,
    ]),
    // Dead letters, to deliver them again, and what becomes one for want of room.
    ...['SLUICE_DEADLETTER', 'SLUICE_DELIVERIES'].flatMap((stream) => [
      `$JS.API.DIRECT.GET.${stream}`,
      `$JS.API.STREAM.MSG.DELETE.${stream}`,
    ]),
    // What it follows, with consumers of names that it makes up.
    ...consumers.flatMap((name) => [
      `$JS.API.CONSUMER.CREATE.SLUICE_DELIVERED.${name}.sluice.delivered.apps.all.key`,
      `$JS.API.CONSUMER.CREATE.SLUICE_ALERTING.${name}.sluice.alerting.apps.all.incident.key`,
      ...['SLUICE_DELIVERED', 'SLUICE_ALERTING'].flatMap((stream) =>
        ['INFO', 'DELETE', 'MSG.NEXT'].map((verb) => `$JS.API.CONSUMER.${verb}.${stream}.${name}`),
      ),
    ]),
    '$JS.API.DIRECT.GET.SLUICE_DELIVERED',
    ...['SLUICE_DELIVERED', 'SLUICE_ALERTING'].flatMap((stream) => [
      `$JS.API.DIRECT.GET.${stream}.sluice.delivered.apps.all.key`,
      `$JS.API.DIRECT.GET.${stream}.$O.sluice-artifacts.M.x`,
    ]),
  ],
};

/** What each may hear. */
const heard: Record<(typeof users)[number], string[]> = {
  'source-controller': ['_INBOX.source-controller.x'],
  'source-watcher': ['_INBOX.source-watcher.x'],
  'kustomize-controller': ['_INBOX.kustomize-controller.x', 'sluice.artifact.>'],
  'helm-controller': ['_INBOX.helm-controller.x'],
  'notification-controller': ['_INBOX.notification-controller.x'],
  auditor: ['_INBOX.auditor.x'],
};

let nats: ChartNats;
let admin: NatsConnection;

beforeAll(async () => {
  nats = await startChartNats([withAll, 'nats.artifacts.enabled=true', 'nats.audit.reader=true']);
  admin = await nats.admin();
  const owner = connectBus({
    url: nats.url,
    name: 'notification-controller',
    user: 'notification-controller',
    passwordFile: nats.passwordFile('notification-controller'),
    owns: streamsOwnedBy('notification-controller'),
    logger: silentLogger,
  });
  await owner.ready(AbortSignal.timeout(30_000));
  await owner.close();
});

afterAll(async () => {
  await admin?.close();
  await nats?.stop();
});

async function connectAs(user: string): Promise<NatsConnection> {
  const pass = await readFile(nats.passwordFile(user), 'utf8');
  return connect({ servers: nats.url, user, pass, inboxPrefix: `_INBOX.${user}` });
}

/** Tries subjects; those that the server did not refuse. */
async function notRefused(
  connection: NatsConnection,
  subjects: readonly string[],
  attempt: (subject: string) => void,
): Promise<string[]> {
  const refused = new Set<string>();
  const listening = (async () => {
    for await (const status of connection.status()) {
      const error = status.type === 'error' ? status.error : undefined;
      if (error instanceof PermissionViolationError) refused.add(error.subject);
    }
  })();
  for (const subject of subjects) attempt(subject);
  // Refusals come before the answer to this.
  await connection.flush();
  await connection.close();
  await listening;
  return subjects.filter((subject) => !refused.has(subject)).sort();
}

describe.each(users)('the NATS user %s', (user) => {
  const verbs = [...verbsOf(streams, consumers), ...kinds.map((kind) => `sluice.${kind}.x`)];

  test(`may publish ${allowed[user].length} subjects of ${verbs.length}: its own work, and no verb of another's`, async () => {
    const connection = await connectAs(user);
    const got = await notRefused(connection, verbs, (subject) => connection.publish(subject));
    expect(got).toEqual([...allowed[user]].sort());
  });

  test('hears its own replies, and of the others nothing', async () => {
    const connection = await connectAs(user);
    const subjects = [
      ...users.map((other) => `_INBOX.${other}.x`),
      ...kinds.map((kind) => `sluice.${kind}.>`),
      ...['>', '*.>', 'sluice.>', '_INBOX.>', '$JS.>', '$JS.API.>', '$SYS.>', '$JS.EVENT.>'],
    ];
    const got = await notRefused(connection, subjects, (subject) => {
      connection.subscribe(subject, { callback: () => undefined });
    });
    expect(got).toEqual([...heard[user]].sort());
  });

  // The auditor publishes nothing that a stream would answer to.
  const publishes = allowed[user].includes('sluice.event.x');
  test.runIf(publishes)(
    'cannot have the server do what it may not, by the subject of a reply',
    async () => {
      const connection = await connectAs(user);
      const manager = await jetstreamManager(admin);
      const before = await configurations();
      const replies = owned.flatMap((stream) => [
        `$JS.API.STREAM.PURGE.${stream}`,
        `$JS.API.STREAM.DELETE.${stream}`,
        `$JS.API.STREAM.UPDATE.${stream}`,
      ]);
      for (const reply of replies) connection.publish('sluice.event.x', '{}', { reply });
      await connection.flush();
      await connection.close();
      const events = (all: typeof before) => all[owned.indexOf('SLUICE_EVENTS')]?.state.messages;
      const want = (events(before) ?? 0) + replies.length;
      await vi.waitUntil(async () => events(await configurations()) === want, { timeout: 10_000 });
      const after = await configurations();
      expect(after.map(({ config }) => config)).toEqual(before.map(({ config }) => config));

      async function configurations() {
        return Promise.all(owned.map((stream) => manager.streams.info(stream)));
      }
    },
  );
});

test('source-controller may keep artifacts in the bucket that notification-controller makes', async () => {
  const [owner, user] = [busOf('notification-controller'), busOf('source-controller')];
  const folder = await temporaryFolder('bucket');
  const stop = new AbortController();
  const keeping = keepBucket(owner, { maxBytes: 2 ** 26, replicas: 1 }, stop.signal);
  const objects = new ObjectBucket(user);
  const [file, copy] = [`${folder.path}/file`, `${folder.path}/copy`];
  await writeFile(file, 'content');
  await vi.waitFor(() => objects.put('a/b/c/d', file), { timeout: 30_000 });
  await objects.put('a/b/c/d', file);
  expect(await objects.list()).toEqual([expect.objectContaining({ name: 'a/b/c/d' })]);
  await objects.get('a/b/c/d', copy);
  expect(await readFile(copy, 'utf8')).toBe('content');
  await objects.remove('a/b/c/d');
  expect(await objects.list()).toEqual([]);
  stop.abort();
  await keeping;
  await Promise.all([owner.close(), user.close(), folder.remove()]);
});

test('notification-controller may follow what was delivered and what alerts remember', async () => {
  const bus = connectBus({
    url: nats.url,
    name: 'notification-controller',
    user: 'notification-controller',
    passwordFile: nats.passwordFile('notification-controller'),
    owns: streamsOwnedBy('notification-controller'),
    logger: silentLogger,
  });
  const heard = new Set<string>();
  const common = {
    onReset: () => undefined,
    onMessage: ({ subject }: FollowedMessage) => void heard.add(subject),
  };
  const alert = { namespace: 'apps', name: 'all' };
  const subjects = [
    deliveredSubject(bus.prefix, alert, 'key'),
    alertingSubject(bus.prefix, alert, { what: 'incident', key: 'key' }),
  ];
  const following = [
    follow(bus, {
      ...common,
      stream: 'delivered',
      filterSubject: deliveredSubjects(bus.prefix),
      pastMs: 60_000,
    }),
    follow(bus, {
      ...common,
      stream: 'alerting',
      filterSubject: alertingSubjects(bus.prefix, 'incident'),
    }),
  ];
  await bus.ready(AbortSignal.timeout(30_000));
  for (const subject of subjects) await bus.publish({ subject, data: {}, id: subject });
  await vi.waitUntil(() => subjects.every((subject) => heard.has(subject)), { timeout: 30_000 });
  await Promise.all(following.map((each) => each.close()));
  await bus.close();
});

/** A bus as a user that owns nothing. */
const busOf = (name: string) =>
  connectBus({
    url: nats.url,
    name,
    user: name,
    passwordFile: nats.passwordFile(name),
    owns: [],
    logger: silentLogger,
  });

test('notification-controller may read the audit trail by a consumer of its own', async () => {
  const [author, owner] = [busOf('kustomize-controller'), busOf('notification-controller')];
  await author.ready(AbortSignal.timeout(30_000));
  const object = { namespace: 'apps', kind: 'Kustomization', name: 'exported' };
  const subject = auditSubject(author.prefix, object);
  const read = Promise.withResolvers<unknown>();
  const consumer = consume(owner, {
    stream: 'audit',
    durable: 'notification-controller',
    maxInFlight: 10,
    ackWaitMs: 10_000,
    // What other tests have published.
    onUnreadable: () => undefined,
    handler: async (message) => {
      if (message.subject === subject) read.resolve(message.data);
      return 'ack';
    },
  });
  await author.publish({ subject, data: { id: 'b', object }, id: 'b' });
  expect(await read.promise).toEqual({ id: 'b', object });
  await consumer.close();
  await Promise.all([author.close(), owner.close()]);
});

test('the auditor may read the audit trail', async () => {
  const [author, auditor] = [busOf('kustomize-controller'), busOf('auditor')];
  await author.ready(AbortSignal.timeout(30_000));
  const object = { namespace: 'apps', kind: 'Kustomization', name: 'web' };
  const data = { id: 'a', action: 'apply', object };
  await author.publish({ subject: auditSubject(author.prefix, object), data, id: 'a' });
  expect(await auditRecords(auditor, object, { limit: 10 })).toEqual([data]);
  await Promise.all([author.close(), auditor.close()]);
});
