import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import type { KubeObject, Kustomization } from '@sluice/shared/api';
import { coreResources } from '@sluice/shared/kube';
import {
  createNamespace,
  receiveWebhooks,
  type WebhookReceiver,
  type WebhookReply,
} from '@sluice/testing';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { encryptForService } from './encrypt.ts';
import { type Bed, conditionOf, configMap, configMaps, secrets, startBed } from './harness.ts';

type Data = KubeObject & { data?: Record<string, string> };

/** More than there are slots for decryptions. */
const silentCount = availableParallelism() + 2;
const system = 'flux-system';
const logins = `vaults-${randomUUID()}`;
const loginPath = 'team/auth/kubernetes/login';

let vault: WebhookReceiver;
let bed: Bed;
/** Tokens that the server takes now. */
const tokens = new Set<string>();

/** As the transit engine answers, whose ciphertexts here are what they stand for. */
function answer({ path, headers, body }: WebhookReceiver['requests'][number]): WebhookReply {
  const asked = JSON.parse(body);
  if (path === `/v1/${loginPath}`) {
    tokens.add('of-the-account');
    const auth = { client_token: 'of-the-account', lease_duration: 3600 };
    return { status: 200, body: JSON.stringify({ auth }) };
  }
  if (!tokens.has(String(headers['x-vault-token'])) || path !== '/v1/transit/decrypt/sops') {
    return { status: 403, body: '{"errors":["permission denied"]}' };
  }
  const data = { plaintext: asked.ciphertext.replace('vault:v1:', '') };
  return { status: 200, body: JSON.stringify({ data }) };
}

const encryptedSecret = (name: string, value: string, address = vault.url) =>
  encryptForService(
    { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { value } },
    (dataKey) => ({
      hc_vault: [
        {
          vault_address: address,
          engine_path: 'transit',
          key_name: 'sops',
          created_at: '2026-01-01T00:00:00Z',
          enc: `vault:v1:${dataKey}`,
        },
      ],
    }),
  );

const keySecret = (name: string, token: string): Promise<unknown> =>
  bed.client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace: bed.namespace,
      labels: { 'reconcile.fluxcd.io/watch': 'Enabled' },
    },
    stringData: { 'sops.vault-token': token },
  } as never);

async function secretValue(name: string): Promise<string> {
  const found = await bed.client.get<Data>(secrets, { namespace: bed.namespace, name });
  return Buffer.from(found.data?.['value'] ?? '', 'base64').toString();
}

const messageOf = (object: Kustomization) => conditionOf(object)?.message ?? '';
const specOf = (name: string, decryption: object) => ({
  sourceRef: { kind: 'ExternalArtifact' as const, name },
  decryption: { provider: 'sops' as const, ...decryption },
});

beforeAll(async () => {
  vault = await receiveWebhooks();
  vault.respond(answer);
  bed = await startBed([
    '--feature-gates=ObjectLevelWorkloadIdentity=true',
    `--concurrent=${silentCount + 2}`,
    `--sops-vault-configmap=${logins}`,
  ]);
  const { client, namespace } = bed;
  await createNamespace(client, system).catch(() => undefined);
  const instances = [{ address: vault.url, loginPath }];
  await client.create(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: logins, namespace: system },
    data: { 'config.yaml': JSON.stringify({ instances }) },
  } as never);
  const account = { name: 'sops', namespace };
  await client.create(coreResources.serviceAccounts, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: account,
  });
});
afterAll(async () => {
  await bed?.stop();
  await vault?.close();
});
beforeEach(() => {
  vault.requests.length = 0;
  tokens.clear();
});

test('a key service is asked once for a file, until the file or the Secret is another one', async () => {
  tokens.add('first-token');
  await keySecret('keys', 'first-token');
  const files = { 'a.yaml': await encryptedSecret('one', 'first') };
  await bed.publish(files, 'r1', 'kept');
  await bed.apply(specOf('kept', { secretRef: { name: 'keys' } }), 'kept');
  await bed.ready('r1', 'kept');
  expect(await secretValue('one')).toBe('first');
  expect(vault.requests).toHaveLength(1);

  // Nothing is decrypted, and nobody asked, when nothing has changed.
  await bed.annotate({ 'reconcile.fluxcd.io/requestedAt': 'unchanged' }, 'kept');
  await bed.when(({ status }) => status?.lastHandledReconcileAt === 'unchanged', 'kept');
  expect(vault.requests).toHaveLength(1);

  // A build that is made anew, of files of which one is the same.
  await bed.publish({ ...files, 'plain.yaml': configMap('beside') }, 'r2', 'kept');
  await bed.ready('r2', 'kept');
  expect(vault.requests).toHaveLength(1);
  const more = { ...files, 'b.yaml': await encryptedSecret('two', 'second') };
  await bed.publish(more, 'r3', 'kept');
  await bed.ready('r3', 'kept');
  expect(await secretValue('two')).toBe('second');
  expect(vault.requests).toHaveLength(2);

  // Another token: what was kept for the one before serves no more.
  tokens.clear();
  const key = { namespace: bed.namespace, name: 'keys' };
  const patch = { stringData: { 'sops.vault-token': 'second-token' } };
  await bed.client.patch(secrets, key, patch, { type: 'merge' });
  const refused = await bed.failed('BuildFailed', 'kept', /permission denied/);
  expect(messageOf(refused)).not.toContain('second-token');
  tokens.add('second-token');
  await bed.annotate({ 'reconcile.fluxcd.io/requestedAt': 'now' }, 'kept');
  await bed.ready('r3', 'kept');
  expect(vault.requests.at(-1)?.headers['x-vault-token']).toBe('second-token');
});

test('a ServiceAccount logs in to OpenBao or Vault where the ConfigMap of the administrator says', async () => {
  await bed.publish({ 'a.yaml': await encryptedSecret('three', 'third') }, 'r1', 'account');
  await bed.apply(specOf('account', { serviceAccountName: 'sops' }), 'account');
  await bed.ready('r1', 'account');
  expect(await secretValue('three')).toBe('third');
  const [login, asked] = vault.requests;
  const { role, jwt } = JSON.parse(login?.body ?? '{}');
  expect([login?.method, login?.path, role]).toEqual([
    'PUT',
    `/v1/${loginPath}`,
    `${bed.namespace}_sops`,
  ]);
  const { aud, sub } = decodeJwt(jwt);
  expect({ aud, sub }).toEqual({
    aud: [vault.url],
    sub: `system:serviceaccount:${bed.namespace}:sops`,
  });
  expect(asked?.headers['x-vault-token']).toBe('of-the-account');
});

test('a key service that never answers keeps no other Kustomization waiting', async () => {
  let asked = 0;
  let ended = 0;
  const silent = createServer((request) => {
    asked++;
    request.socket.once('close', () => {
      ended++;
    });
  }).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  try {
    tokens.add('good-token');
    await keySecret('good-keys', 'good-token');
    const decryption = { secretRef: { name: 'good-keys' } };
    for (let at = 0; at < silentCount; at++) {
      const name = `silent-${at}`;
      // Each has a data key of its own, so that each one asks.
      const file = await encryptedSecret(name, 'never', `http://127.0.0.1:${port}`);
      await bed.publish({ 'a.yaml': file }, 'r1', name);
      await bed.apply(specOf(name, decryption), name);
    }
    await vi.waitFor(() => expect(asked).toBe(silentCount), { timeout: 25_000 });
    await bed.publish({ 'a.yaml': await encryptedSecret('heard', 'well') }, 'r1', 'heard');
    await bed.apply(specOf('heard', decryption), 'heard');
    await bed.ready('r1', 'heard');
    expect(await secretValue('heard')).toBe('well');
    // None of the others has given up meanwhile.
    expect(ended).toBe(0);
  } finally {
    silent.closeAllConnections();
    silent.close();
  }
});

describe('is refused, and asks nobody,', () => {
  /** Applies a file that cannot be decrypted; returns what the condition says. */
  async function refused(name: string, decryption: object, address = vault.url): Promise<string> {
    await bed.publish({ 'a.yaml': await encryptedSecret(name, 'x', address) }, 'r1', name);
    await bed.apply(specOf(name, decryption), name);
    const object = await bed.failed('BuildFailed', name);
    expect(vault.requests).toEqual([]);
    return messageOf(object);
  }

  test('what names an address at which nobody may log in', async () => {
    const address = 'https://vault.example.com';
    const spec = { serviceAccountName: 'sops' };
    expect(await refused('elsewhere', spec, address)).toContain(
      `'a.yaml' cannot be decrypted: Vault key ${address}/v1/transit/keys/sops: its address is not in ConfigMap '${system}/${logins}' of --sops-vault-configmap`,
    );
  });

  test('who names neither a token nor a ServiceAccount', async () => {
    expect(await refused('nobody', {})).toContain(
      "the controller's identity is not used where an object names the address: set serviceAccountName to a ServiceAccount",
    );
  });

  test.each([
    ['metadata', 'http://169.254.169.254'],
    ['link-local', 'http://[fe80::1]:8200'],
  ])('what names a %s address, also with a token', async (name, address) => {
    await keySecret(`${name}-keys`, 'a-token');
    expect(await refused(name, { secretRef: { name: `${name}-keys` } }, address)).toMatch(
      /cannot be asked for a decryption: .*refused/,
    );
  });
});
