import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { KubeObject, Kustomization } from '@sluice/shared/api';
import { isNotFound } from '@sluice/shared/kube';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { encryptForService } from './encrypt.ts';
import { type Bed, conditionOf, configMap, configMaps, secrets, startBed } from './harness.ts';

type Data = KubeObject & { data?: Record<string, string> };

/** A stand-in for Vault that answers each request once it is told to; its ciphertexts are what they stand for. */
interface LateVault {
  url: string;
  /** Ciphertexts that it was asked for. */
  asked: string[];
  /** Answers everything that waits, with the key or with a refusal. */
  answer(isOpened: boolean): void;
  close(): void;
}

async function startLateVault(): Promise<LateVault> {
  const asked: string[] = [];
  const waiting = new Set<(isOpened: boolean) => void>();
  const server: Server = createServer(async (request, response) => {
    const { ciphertext } = JSON.parse(await text(request));
    asked.push(ciphertext);
    waiting.add((isOpened) => {
      const data = { plaintext: ciphertext.replace('vault:v1:', '') };
      const body = isOpened ? { data } : { errors: ['permission denied'] };
      response.writeHead(isOpened ? 200 : 403).end(JSON.stringify(body));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer(isOpened) {
      for (const reply of waiting) reply(isOpened);
      waiting.clear();
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

let vault: LateVault;
/** Nobody but the one who waits could hold its only slot. */
let bed: Bed;
beforeAll(async () => {
  vault = await startLateVault();
  bed = await startBed(['--concurrent=1']);
  await bed.client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'keys', namespace: bed.namespace },
    stringData: { 'sops.vault-token': 'a-token' },
  } as never);
});
afterAll(async () => {
  await bed?.stop();
  vault?.close();
});

/** A file with a data key of its own, so that the service is asked for it. */
const encrypted = (object: object) =>
  encryptForService(object, (dataKey) => ({
    hc_vault: [
      {
        vault_address: vault.url,
        engine_path: 'transit',
        key_name: 'sops',
        created_at: '2026-01-01T00:00:00Z',
        enc: `vault:v1:${dataKey}`,
      },
    ],
  }));

const encryptedSecret = (name: string) =>
  encrypted({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name },
    stringData: { value: 'well' },
  });

const specOf = (name: string) => ({
  sourceRef: { kind: 'ExternalArtifact' as const, name },
  decryption: { provider: 'sops' as const, secretRef: { name: 'keys' } },
});

const isWaiting = (object: Kustomization) =>
  conditionOf(object, 'Reconciling')?.message.startsWith('Waiting for the decryption') === true;

/** Deploys something whose key is waited for. */
async function deployLate(name: string): Promise<Kustomization> {
  const before = vault.asked.length;
  await bed.publish({ 'a.yaml': await encryptedSecret(name) }, 'r1', name);
  await bed.apply(specOf(name), name);
  const object = await bed.when(isWaiting, name);
  const asked = () => expect(vault.asked).toHaveLength(before + 1);
  await vi.waitFor(asked, { timeout: 30_000 });
  return object;
}

/** Deploys something without secrets, for which the slot is needed. */
async function deployPlain(name: string): Promise<void> {
  await bed.publish({ 'a.yaml': configMap(name) }, 'r1', name);
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name } }, name);
  await bed.ready('r1', name);
}

async function secretValue(name: string): Promise<string> {
  const found = await bed.client.get<Data>(secrets, { namespace: bed.namespace, name });
  return Buffer.from(found.data?.['value'] ?? '', 'base64').toString();
}

test('a key service is waited for without a slot, and its answer is used at once', async () => {
  const waiting = await deployLate('late');
  expect(conditionOf(waiting)).toMatchObject({ status: 'Unknown', reason: 'Progressing' });
  await deployPlain('beside');
  expect(isWaiting(await bed.get('late'))).toBe(true);
  vault.answer(true);
  await bed.ready('r1', 'late');
  expect(await secretValue('late')).toBe('well');
  expect(vault.asked).toHaveLength(1);
});

test('a request while it is waited for is answered with the result, and asks nobody again', async () => {
  await deployLate('asked');
  const before = vault.asked.length;
  await bed.annotate({ 'reconcile.fluxcd.io/requestedAt': 'now' }, 'asked');
  await deployPlain('after-asked');
  expect((await bed.get('asked')).status?.lastHandledReconcileAt).toBeUndefined();
  vault.answer(true);
  await bed.ready('r1', 'asked');
  expect((await bed.get('asked')).status?.lastHandledReconcileAt).toBe('now');
  expect(vault.asked).toHaveLength(before);
});

test('values within a Secret are waited for without a slot as well', async () => {
  const before = vault.asked.length;
  const inner = await encrypted({ a: 'b', stringData: { value: 'well' } });
  const file = Buffer.from(inner).toString('base64');
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'inner' },
    data: { 'app.json': file },
  };
  await bed.publish({ 'a.yaml': JSON.stringify(secret) }, 'r1', 'inner');
  await bed.apply(specOf('inner'), 'inner');
  await bed.when(isWaiting, 'inner');
  const asked = () => expect(vault.asked.length).toBeGreaterThan(before);
  await vi.waitFor(asked, { timeout: 30_000 });
  await deployPlain('beside-inner');
  vault.answer(true);
  await bed.ready('r1', 'inner');
  const found = await bed.client.get<Data>(secrets, { namespace: bed.namespace, name: 'inner' });
  const plain = JSON.parse(Buffer.from(found.data?.['app.json'] ?? '', 'base64').toString());
  expect(plain).toMatchObject({ stringData: { value: 'well' } });
});

test('a refusal that comes late is told, without asking once more for it', async () => {
  await deployLate('refused');
  const before = vault.asked.length;
  vault.answer(false);
  await bed.failed('BuildFailed', 'refused', /permission denied/);
  // What failed is tried again in time.
  await vi.waitFor(() => expect(vault.asked.length).toBeGreaterThan(before), { timeout: 60_000 });
  vault.answer(true);
  await bed.when(({ status }) => status?.lastAppliedRevision === 'r1', 'refused');
});

test('a service that never answers ends with the time that there is', async () => {
  await bed.publish({ 'a.yaml': await encryptedSecret('never') }, 'r1', 'never');
  await bed.apply({ ...specOf('never'), timeout: '3s', retryInterval: '1h' }, 'never');
  await bed.failed('BuildFailed', 'never', /longer than 3/);
});

test('a new revision ends the wait', async () => {
  await deployLate('renewed');
  await bed.publish({ 'a.yaml': configMap('renewed') }, 'r2', 'renewed');
  await bed.ready('r2', 'renewed');
  // Nothing of the former revision comes of its answer.
  vault.answer(true);
  await deployPlain('after-renewed');
  expect((await bed.get('renewed')).status?.lastAppliedRevision).toBe('r2');
  const key = { namespace: bed.namespace, name: 'renewed' };
  await expect(bed.client.get(secrets, key)).rejects.toSatisfy(isNotFound);
  await bed.client.get(configMaps, key);
});

test('one that is suspended meanwhile applies nothing, and goes on when it is resumed', async () => {
  await deployLate('paused');
  await bed.patch({ suspend: true }, 'paused');
  await deployPlain('after-pause');
  vault.answer(true);
  await deployPlain('after-answer');
  const key = { namespace: bed.namespace, name: 'paused' };
  await expect(bed.client.get(secrets, key)).rejects.toSatisfy(isNotFound);
  await bed.patch({ suspend: false }, 'paused');
  await bed.ready('r1', 'paused');
  expect(await secretValue('paused')).toBe('well');
});

test('one that is deleted meanwhile is gone at once', async () => {
  await deployLate('removed');
  await bed.remove('removed');
  await deployPlain('after-removal');
  vault.answer(true);
});
