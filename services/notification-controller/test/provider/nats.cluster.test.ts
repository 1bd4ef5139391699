import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { connect, credsAuthenticator, type NatsConnection, nkeys } from '@nats-io/transport-node';
import type { FluxEvent, ProviderSpec } from '@sluice/shared/api';
import { NetworkGuard } from '@sluice/shared/net';
import {
  createCertificateAuthority,
  localNetwork,
  type NatsServer,
  startNats,
  temporaryFolder,
} from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { adapterFor } from '../../src/provider/adapters.ts';
import { createConnect } from '../../src/provider/connect.ts';
import { endpointOf } from '../../src/provider/endpoint.ts';
import { eventJson } from '../../src/provider/go-json.ts';
import { recordOf } from '../audit/records.ts';
import { noIdentity } from '../no-identity.ts';
import { eventOf, providerOf } from '../objects.ts';
import { alert } from './contract.ts';
import { deliverRecordTo } from './deliver-to.ts';
import { createNatsTrust } from './nats-credentials.ts';

const subject = 'flux.events';
const user = nkeys.createUser();
const trust = createNatsTrust();
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let ca: string;
let byName: NatsServer;
let byCreds: NatsServer;
let secure: NatsServer;

beforeAll(async () => {
  folder = await temporaryFolder('nats-provider');
  const authority = await createCertificateAuthority();
  ca = authority.cert;
  const pair = await authority.issue({ commonName: 'nats', usage: 'server' });
  const [certFile, keyFile] = [join(folder.path, 'tls.crt'), join(folder.path, 'tls.key')];
  await Promise.all([writeFile(certFile, pair.cert), writeFile(keyFile, pair.key)]);
  [byName, byCreds, secure] = await Promise.all([
    startNats({
      config: `max_payload: 4096\nauthorization: { users: [
        { user: reader, password: reader },
        { user: writer, password: canary, permissions: { publish: "${subject}" } },
        { nkey: ${user.getPublicKey()} },
      ] }`,
    }),
    startNats({ config: trust.config }),
    startNats({ config: `tls: { cert_file: "${certFile}", key_file: "${keyFile}" }` }),
  ]);
});

afterAll(async () => {
  await Promise.all([byName, byCreds, secure].map((server) => server?.stop()));
  await folder?.remove();
});

async function publish(
  spec: Partial<ProviderSpec>,
  secret: Record<string, string> = {},
  o: { guard?: NetworkGuard; event?: FluxEvent } = {},
): Promise<void> {
  const provider = providerOf({
    type: 'nats',
    channel: subject,
    secretRef: { name: 'secret' },
    ...spec,
  });
  const endpoint = await endpointOf(provider, async (_namespace, name) =>
    name === 'ca' ? { 'ca.crt': ca } : secret,
  );
  const { signal } = new AbortController();
  const { guard = localNetwork, event = eventOf() } = o;
  const connectTo = createConnect({ guard, signal, timeoutMs: 5_000 });
  const noSend = () => Promise.reject(new Error('no HTTP'));
  await adapterFor('nats')(event, endpoint, noSend, {
    alert,
    facts: {},
    commitStatusId: '',
    connect: connectTo,
    identity: noIdentity,
  });
}

/** What arrives at the subject while something is done. */
async function arriving(
  options: Parameters<typeof connect>[0],
  act: () => Promise<void>,
): Promise<string> {
  const connection: NatsConnection = await connect(options);
  try {
    const subscription = connection.subscribe(subject, { max: 1 });
    await connection.flush();
    await act();
    for await (const message of subscription) return message.string();
    throw new Error('nothing arrived');
  } finally {
    await connection.close();
  }
}

const reader = { user: 'reader', pass: 'reader' };

describe('a provider of type nats', () => {
  test('publishes the event as its user', async () => {
    const text = await arriving({ servers: byName.url, ...reader }, () =>
      publish({ address: byName.url }, { username: 'writer', password: 'canary' }),
    );
    expect(text).toBe(eventJson(eventOf()));
  });

  test('publishes with an NKey, to an address without a scheme', async () => {
    const nkey = `${new TextDecoder().decode(user.getSeed())}\n`;
    const event = eventOf({ message: 'ä💣' });
    const text = await arriving({ servers: byName.url, ...reader }, () =>
      publish({ address: `127.0.0.1:${byName.port}` }, { nkey }, { event }),
    );
    expect(text).toBe(eventJson(event));
  });

  test('publishes a longer event shortened to what the server takes', async () => {
    const event = eventOf({ message: 'x'.repeat(5_000) });
    const text = await arriving({ servers: byName.url, ...reader }, () =>
      publish({ address: byName.url }, { username: 'writer', password: 'canary' }, { event }),
    );
    expect(JSON.parse(text).message).toMatch(/^x+ … \(\d+ characters cut off\)$/);
  });

  test('refuses for good an audit record that is longer than the server takes: it is not cut', async () => {
    const objects = Array(100).fill({ kind: 'ConfigMap', name: 'x'.repeat(50), action: 'apply' });
    const secretRef = { name: 'secret' };
    const spec = { type: 'nats', address: byName.url, channel: subject, secretRef } as const;
    const login = { username: 'writer', password: 'canary' };
    await expect(
      deliverRecordTo(spec, login, recordOf({ what: { objects } })),
    ).rejects.toMatchObject({ permanent: true, message: expect.stringContaining('more than') });
  });

  test('publishes with credentials', async () => {
    const authenticator = credsAuthenticator(new TextEncoder().encode(trust.creds));
    const text = await arriving({ servers: byCreds.url, authenticator }, () =>
      publish({ address: byCreds.url }, { creds: trust.creds }),
    );
    expect(text).toBe(eventJson(eventOf()));
  });

  test.each(['nats', 'tls'])('publishes over TLS to %s://', async (scheme) => {
    const address = `${scheme}://127.0.0.1:${secure.port}`;
    const text = await arriving({ servers: secure.url, tls: { ca } }, () =>
      publish({ address, certSecretRef: { name: 'ca' } }),
    );
    expect(text).toBe(eventJson(eventOf()));
  });

  test('is not stored twice by a stream, when a delivery is repeated', async () => {
    const connection = await connect({ servers: secure.url, tls: { ca } });
    try {
      const stream = { name: 'flux', subjects: ['stored.>'], storage: 'memory' };
      await connection.request('$JS.API.STREAM.CREATE.flux', JSON.stringify(stream));
      const spec = { address: secure.url, channel: 'stored.events', certSecretRef: { name: 'ca' } };
      for (const message of ['a', 'a', 'b']) {
        await publish(spec, {}, { event: eventOf({ message }) });
      }
      const stored = async () => {
        const info = await connection.request('$JS.API.STREAM.INFO.flux');
        return info.json<{ state: { messages: number } }>().state.messages;
      };
      // They are stored in order: once the last is there, the repetition was seen.
      await vi.waitUntil(async () => (await stored()) >= 2, { timeout: 20_000 });
      expect(await stored()).toBe(2);
    } finally {
      await connection.close();
    }
  });

  test.each<{
    name: string;
    spec?: () => Partial<ProviderSpec>;
    secret?: Record<string, string>;
    o?: { guard?: NetworkGuard; event?: FluxEvent };
    permanent?: boolean;
    says: string;
  }>([
    {
      name: 'a bad password',
      secret: { username: 'writer', password: 'canary-2' },
      says: 'Authorization Violation',
    },
    { name: 'no login', says: 'Authorization Violation' },
    {
      name: 'a subject that it may not write to',
      spec: () => ({ channel: 'flux.others' }),
      secret: { username: 'writer', password: 'canary' },
      says: 'Permissions Violation',
    },
    { name: 'a bad key', secret: { nkey: 'canary' }, says: "the key 'nkey'" },
    { name: 'bad credentials', secret: { creds: 'canary' }, says: "the key 'creds'" },
    {
      name: 'an unknown certificate authority',
      spec: () => ({ address: secure.url }),
      says: 'certificate',
    },
    {
      name: 'an address that the guard refuses',
      o: { guard: new NetworkGuard() },
      permanent: true,
      says: 'spec.address cannot be used',
    },
    {
      name: 'nobody at the address',
      spec: () => ({ address: 'nats://127.0.0.1:1' }),
      says: 'cannot be reached',
    },
    { name: 'no subject', spec: () => ({ channel: '' }), says: 'spec.channel is missing' },
    {
      name: 'a subject with a line break',
      spec: () => ({ channel: 'a\r\nPUB b 0' }),
      says: 'spec.channel is no subject',
    },
    {
      name: 'a subject with a wildcard',
      spec: () => ({ channel: 'flux.>' }),
      says: 'spec.channel is no subject',
    },
    {
      name: 'an address of another kind',
      spec: () => ({ address: 'http://a' }),
      says: 'nats://host:4222',
    },
  ])('fails with $name', async ({ spec, secret, o, permanent = false, says }) => {
    const error = await publish({ address: byName.url, ...spec?.() }, secret, o).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({
      name: 'DeliveryError',
      permanent,
      message: expect.stringContaining(says),
    });
    expect(String(error)).not.toContain('canary');
  });

  test('is not sent what is longer than it takes even when shortened', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.write('INFO {"max_payload":100}\r\n');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      await expect(publish({ address: `nats://127.0.0.1:${port}` })).rejects.toMatchObject({
        permanent: true,
        message: expect.stringContaining('more than'),
      });
    } finally {
      server.close();
    }
  });

  test('is left alone when it only asks and never answers', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.write('INFO {}\r\n');
      socket.on('data', () => socket.write('PING\r\n'.repeat(200)));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      await expect(publish({ address: `nats://127.0.0.1:${port}` })).rejects.toThrow(
        'sends more than 100 lines without an answer',
      );
    } finally {
      server.close();
    }
  });
});
