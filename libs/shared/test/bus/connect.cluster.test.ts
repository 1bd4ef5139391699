import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import { createLogger, silentLogger } from '@sluice/shared/base';
import { connectBus, streams } from '@sluice/shared/bus';
import { createCertificateAuthority, startNats, temporaryFolder } from '@sluice/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { allStreams, eventOf } from './helpers.ts';

let folder: { path: string; remove(): Promise<void> };

beforeEach(async () => {
  folder = await temporaryFolder('connect');
});

afterEach(() => folder.remove());

const message = () => ({ subject: 'sluice.event.info.K.n.a', data: eventOf('m'), id: 'm' });

describe('a bus', () => {
  test('logs in with the key of a file, as soon as the file is there', async () => {
    const user = nkeys.createUser();
    const nats = await startNats({
      config: `authorization: { users: [{ nkey: ${user.getPublicKey()} }] }`,
    });
    const nkeyFile = join(folder.path, 'user.nk');
    const bus = connectBus({
      url: nats.url,
      name: 'test',
      owns: allStreams,
      nkeyFile,
      logger: silentLogger,
    });
    try {
      await expect(bus.publish(message())).rejects.toThrow('NATS is not ready');
      await writeFile(nkeyFile, `${new TextDecoder().decode(user.getSeed())}\n`);
      await chmod(nkeyFile, 0o600);
      await bus.ready(AbortSignal.timeout(30_000));
      expect((await bus.publish(message())).duplicate).toBe(false);
    } finally {
      await bus.close();
      await nats.stop();
    }
  });

  test('can be closed while it connects', async () => {
    const nats = await startNats();
    const bus = connectBus({ url: nats.url, name: 'test', owns: allStreams, logger: silentLogger });
    await bus.close();
    expect(bus.status().connected).toBe(false);
    await nats.stop();
  });

  test('trusts a server by the certificate authority of a file', async () => {
    const authority = await createCertificateAuthority('nats-test-ca');
    const pair = await authority.issue({ commonName: 'nats', usage: 'server' });
    const file = async (name: string, text: string) => {
      await writeFile(join(folder.path, name), text, { mode: 0o600 });
      return join(folder.path, name);
    };
    const certFile = await file('tls.crt', pair.cert);
    const keyFile = await file('tls.key', pair.key);
    const caFile = await file('ca.crt', authority.cert);
    const nats = await startNats({
      config: `tls: { cert_file: "${certFile}", key_file: "${keyFile}" }`,
    });
    const trusting = connectBus({
      url: nats.url,
      name: 't',
      owns: allStreams,
      tls: { caFile },
      logger: silentLogger,
    });
    const doubting = connectBus({
      url: nats.url,
      name: 't',
      owns: allStreams,
      tls: {},
      logger: silentLogger,
    });
    try {
      await trusting.ready(AbortSignal.timeout(30_000));
      expect(doubting.status().ready).toBe(false);
    } finally {
      await Promise.all([trusting.close(), doubting.close()]);
      await nats.stop();
    }
  });

  test('closes while there is no server', async () => {
    const bus = connectBus({
      url: 'nats://127.0.0.1:1',
      name: 't',
      owns: allStreams,
      logger: silentLogger,
    });
    const waiting = expect(bus.ready()).rejects.toThrow('closed');
    await bus.close();
    await waiting;
  });

  test('gives streams their limits again and leaves their messages', async () => {
    const nats = await startNats();
    const first = connectBus({ url: nats.url, name: 't', owns: allStreams, logger: silentLogger });
    const { manager } = await first.ready();
    await first.publish(message());
    await manager.streams.update('SLUICE_EVENTS', { max_bytes: 1_000_000, max_age: 0 });
    await first.close();
    const second = connectBus({ url: nats.url, name: 't', owns: allStreams, logger: silentLogger });
    try {
      const { manager } = await second.ready();
      const { config, state } = await manager.streams.info('SLUICE_EVENTS');
      expect(config.max_bytes).toBe(streams.events.maxBytes);
      expect(config.max_age).toBe(streams.events.maxAgeMs * 1e6);
      expect(state.messages).toBe(1);
    } finally {
      await second.close();
      await nats.stop();
    }
  });

  test('says what to do when a single server is to keep several replicas', async () => {
    const nats = await startNats();
    const bus = connectBus({
      url: nats.url,
      name: 't',
      owns: allStreams,
      replicas: 3,
      logger: silentLogger,
    });
    try {
      await vi.waitUntil(() => bus.status().lastError !== undefined, { timeout: 60_000 });
      expect(bus.status().lastError).toContain('--nats-stream-replicas=1');
    } finally {
      await bus.close();
      await nats.stop();
    }
  });

  test.each([
    { user: 'me', want: '--nats-password-file' },
    { passwordFile: 'password', want: '--nats-user' },
    { user: 'me', passwordFile: 'password', credsFile: 'creds', want: '--nats-creds-file' },
    { nkeyFile: 'nkey', credsFile: 'creds', want: '--nats-nkey-file' },
  ])('refuses half a login, or two: $want', ({ want, ...login }) => {
    const address = { url: 'nats://127.0.0.1:1', name: 't', owns: allStreams, ...login };
    expect(() => connectBus({ ...address, logger: silentLogger })).toThrow(want);
  });

  test('refuses credentials in its address without repeating them', () => {
    const logger = createLogger({ level: 'silent', name: 'test' });
    const connect = () =>
      connectBus({ url: 'nats://user:canary@nats:4222', name: 't', owns: allStreams, logger });
    expect(connect).toThrow('--nats-creds-file');
    expect(connect).not.toThrow('canary');
  });
});
