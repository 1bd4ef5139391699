import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { KubeObject, Kustomization } from '@sluice/shared/api';
import { until } from '@sluice/testing';
import { generateX25519Identity } from 'age-encryption';
import { createMessage, encrypt as encryptPgp, generateKey } from 'openpgp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ageKeys, encrypt, encryptForService, encryptSecret } from './encrypt.ts';
import {
  type Bed,
  conditionOf,
  configMap,
  configMaps,
  kustomizations,
  secrets,
  startBed,
} from './harness.ts';

type Data = KubeObject & { data?: Record<string, string> };

const decryption = { provider: 'sops' as const, secretRef: { name: 'keys' } };
const secret = (name: string, data: Record<string, string>): string =>
  `apiVersion: v1\nkind: Secret\nmetadata:\n  name: ${name}\nstringData:\n${Object.entries(data)
    .map(([key, value]) => `  ${key}: ${value}\n`)
    .join('')}`;

let bed: Bed;

const keySecret = (name: string, stringData: Record<string, string>) =>
  bed.client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace: bed.namespace,
      labels: { 'reconcile.fluxcd.io/watch': 'Enabled' },
    },
    stringData,
  } as never);

async function valuesOf(name: string): Promise<Record<string, string>> {
  const found = await bed.client.get<Data>(secrets, { namespace: bed.namespace, name });
  return Object.fromEntries(
    Object.entries(found.data ?? {}).map(([key, value]) => [
      key,
      Buffer.from(value, 'base64').toString(),
    ]),
  );
}

const messageOf = (object: Kustomization) => conditionOf(object)?.message ?? '';

beforeAll(async () => {
  bed = await startBed(['--sops-age-secret=fallback']);
  await keySecret('keys', { 'main.agekey': `# created for a test\n${ageKeys.identity}\n` });
});
afterAll(() => bed.stop());

describe('with an age key', () => {
  test('objects, patches and files of generators are decrypted', async () => {
    await bed.publish(
      {
        'one.yaml': encryptSecret(secret('one', { password: 'first-secret' })),
        'several.yaml': encryptSecret(
          `${secret('two', { password: 'second-secret' })}---\n${secret('three', { password: 'third-secret' })}`,
        ),
        'mixed.yaml': `${configMap('plain', { key: 'value' })}\n---\n${encryptSecret(secret('four', { a: 'fourth-secret' }))}`,
        'json.json': encrypt(
          JSON.stringify({
            apiVersion: 'v1',
            kind: 'Secret',
            metadata: { name: 'five' },
            stringData: { a: 'fifth-secret' },
          }),
          'json',
          ['--encrypted-regex=^stringData$'],
        ),
        'patch.yaml': encryptSecret(secret('one', { extra: 'patched-secret' })),
        'settings.env': encrypt('TOKEN=env-secret\n', 'dotenv'),
        'blob.bin': encrypt('\u0001binary-secret', 'binary'),
        'config.yaml': encrypt('token: yaml-secret\n'),
        'untouched.yaml': encrypt('token: for-somebody-else\n'),
        'kustomization.yaml': JSON.stringify({
          resources: ['one.yaml', 'several.yaml', 'mixed.yaml', 'json.json'],
          patches: [{ path: 'patch.yaml' }],
          secretGenerator: [
            { name: 'env', envs: ['settings.env'] },
            { name: 'files', files: ['blob.bin', 'renamed=config.yaml'] },
          ],
          configMapGenerator: [{ name: 'kept', files: ['untouched.yaml'] }],
          generatorOptions: { disableNameSuffixHash: true },
        }),
      },
      'r1',
    );
    await bed.apply({ decryption });
    await bed.ready('r1');

    expect(await valuesOf('one')).toEqual({ password: 'first-secret', extra: 'patched-secret' });
    expect(await valuesOf('two')).toEqual({ password: 'second-secret' });
    expect(await valuesOf('three')).toEqual({ password: 'third-secret' });
    expect(await valuesOf('four')).toEqual({ a: 'fourth-secret' });
    expect(await valuesOf('five')).toEqual({ a: 'fifth-secret' });
    expect(await valuesOf('env')).toEqual({ TOKEN: 'env-secret' });
    expect(await valuesOf('files')).toEqual({
      'blob.bin': '\u0001binary-secret',
      renamed: 'token: yaml-secret\n',
    });
    const key = { namespace: bed.namespace, name: 'kept' };
    const kept = await bed.client.get<Data>(configMaps, key);
    expect(kept.data?.['untouched.yaml']).toContain('ENC[');
  });

  test('values of Secrets that are encrypted files are decrypted, unless an annotation says not to', async () => {
    const inner = Buffer.from(encrypt('{"token": "inner-secret"}', 'json')).toString('base64');
    const holder = (name: string, annotations: Record<string, string>) =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name, annotations },
        data: { 'config.json': inner, plain: Buffer.from('plain').toString('base64') },
      });
    await bed.publish(
      {
        'a.yaml': holder('inner', {}),
        'b.yaml': holder('left', { 'kustomize.toolkit.fluxcd.io/decrypt': 'disabled' }),
      },
      'r1',
      'inner',
    );
    const sourceRef = { kind: 'ExternalArtifact' as const, name: 'inner' };
    await bed.apply({ decryption, sourceRef }, 'inner');
    await bed.ready('r1', 'inner');
    const { 'config.json': decrypted, plain } = await valuesOf('inner');
    expect([JSON.parse(decrypted ?? ''), plain]).toEqual([{ token: 'inner-secret' }, 'plain']);
    expect((await valuesOf('left'))['config.json']).toContain('ENC[');
  });

  test('an OpenPGP key of the Secret opens files', async () => {
    const userIDs = [{ name: 'sops' }];
    const { privateKey } = await generateKey({ userIDs, format: 'object' });
    await keySecret('pgp-keys', { 'team.asc': privateKey.armor() });
    let dataKey = '';
    const object = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'opened-by-pgp' },
      stringData: { a: 'pgp-secret' },
    };
    const keysOf = (enc: string) => ({
      pgp: [{ fp: privateKey.getFingerprint(), created_at: '2026-01-01T00:00:00Z', enc }],
    });
    const sealed = await encryptForService(object, (key) => {
      dataKey = key;
      return keysOf('');
    });
    const message = await createMessage({ binary: Buffer.from(dataKey, 'base64') });
    const enc = await encryptPgp({ message, encryptionKeys: privateKey.toPublic() });
    const document = JSON.parse(sealed);
    document.sops = { ...document.sops, ...keysOf(String(enc)) };
    await bed.publish({ 'a.yaml': JSON.stringify(document) }, 'r1', 'pgp-file');
    const sourceRef = { kind: 'ExternalArtifact' as const, name: 'pgp-file' };
    const spec = { decryption: { ...decryption, secretRef: { name: 'pgp-keys' } }, sourceRef };
    await bed.apply(spec, 'pgp-file');
    await bed.ready('r1', 'pgp-file');
    expect(await valuesOf('opened-by-pgp')).toEqual({ a: 'pgp-secret' });
  });

  test('keys of the fallback Secret serve Kustomizations that name none', async () => {
    const { client } = bed;
    const system = 'flux-system';
    await client
      .create(
        { ...configMaps, kind: 'Namespace', plural: 'namespaces', namespaced: false },
        {
          apiVersion: 'v1',
          kind: 'Namespace',
          metadata: { name: system },
        },
      )
      .catch(() => undefined);
    await client.apply(
      secrets,
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'fallback', namespace: system },
        stringData: { 'any.agekey': ageKeys.identity },
      } as never,
      { fieldManager: 'test', force: true },
    );
    await bed.publish(
      { 'a.yaml': encryptSecret(secret('global', { a: 'global-secret' })) },
      'r1',
      'global',
    );
    const sourceRef = { kind: 'ExternalArtifact' as const, name: 'global' };
    await bed.apply({ decryption: { provider: 'sops' }, sourceRef }, 'global');
    await bed.ready('r1', 'global');
    expect(await valuesOf('global')).toEqual({ a: 'global-secret' });
  });
});

describe('says what is wrong and applies nothing', () => {
  /** Applies files that cannot be decrypted; returns what the condition says. */
  async function refused(name: string, files: Record<string, string>, spec = {}): Promise<string> {
    await bed.publish({ 'plain.yaml': configMap(`${name}-plain`), ...files }, 'r1', name);
    await bed.apply({ decryption, sourceRef: { kind: 'ExternalArtifact', name }, ...spec }, name);
    const failed = await bed.failed('BuildFailed', name);
    const key = { namespace: bed.namespace, name: `${name}-plain` };
    await expect(bed.client.get(configMaps, key)).rejects.toThrow('not found');
    return messageOf(failed);
  }
  const encrypted = (name: string) => encryptSecret(secret(name, { a: 'never-shown' }));

  test('when the Secret with keys does not exist, and goes on once it does', async () => {
    const spec = { decryption: { provider: 'sops', secretRef: { name: 'later' } } };
    expect(await refused('absent', { 'a.yaml': encrypted('absent') }, spec)).toMatch(
      /Secret '.*\/later' of spec.decryption.secretRef does not exist: create it/,
    );
    await keySecret('later', { 'a.agekey': ageKeys.identity });
    await bed.ready('r1', 'absent');
  });

  test('when the keys do not fit, and goes on once they are corrected', async () => {
    await keySecret('wrong', { 'a.agekey': await generateX25519Identity() });
    const spec = { decryption: { provider: 'sops', secretRef: { name: 'wrong' } } };
    const message = await refused('wrong', { 'a.yaml': encrypted('wrong') }, spec);
    expect(message).toContain(
      `'a.yaml' cannot be decrypted: age key ${ageKeys.recipient}: no age key at hand fits`,
    );
    await bed.client.patch(
      secrets,
      { namespace: bed.namespace, name: 'wrong' },
      { stringData: { 'a.agekey': ageKeys.identity } },
      { type: 'merge' },
    );
    await bed.ready('r1', 'wrong');
  });

  test.each([
    ['pgp', { 'sops.asc': 'x' }, /key 'sops.asc' of Secret .* holds no OpenPGP private key/],
    ['token', { 'sops.vault-token': '' }, /key 'sops.vault-token' of Secret .* holds no token/],
    ['aws', { 'sops.aws-kms': 'a: b' }, /needs aws_access_key_id and aws_secret_access_key/],
    ['azure', { 'sops.azure-kv': '[' }, /key 'sops.azure-kv' of Secret .* is no map/],
    ['gcp', { 'sops.gcp-kms': '{}' }, /is no JSON key of a service account/],
    ['unknown', { other: 'x' }, /there is no age key: put its private part .* into Secret '/],
    ['empty', { 'a.agekey': '# nothing' }, /holds no age key/],
    ['plugin', { 'a.agekey': 'AGE-PLUGIN-EVIL-1QQPQ' }, /holds no age key/],
  ])('when the Secret holds no usable key (%s)', async (name, data, expected) => {
    await keySecret(name, data as Record<string, string>);
    const spec = { decryption: { provider: 'sops', secretRef: { name } } };
    expect(await refused(name, { 'a.yaml': encrypted(name) }, spec)).toMatch(expected);
  });

  test('when a file was changed after the encryption', async () => {
    const file = encrypted('tampered').replace('name: tampered', 'name: renamed');
    expect(await refused('tampered', { 'a.yaml': file })).toContain(
      "'a.yaml' was changed after it was encrypted, its MAC does not match",
    );
    const other = (first: string) => (first === 'A' ? 'B' : 'A');
    const value = encrypted('value').replace(/(?<=,data:)./, other);
    expect(await refused('value', { 'a.yaml': value })).toContain(
      'a value that cannot be decrypted',
    );
  });

  test('when nobody names a Secret with keys, once a file is encrypted', async () => {
    const other = await startBed();
    try {
      const spec = { decryption: { provider: 'sops' as const } };
      await other.publish({ 'a.yaml': configMap('unencrypted') }, 'r1');
      await other.apply(spec);
      await other.ready('r1');
      await other.publish({ 'a.yaml': encrypted('keyless') }, 'r2');
      expect(messageOf(await other.failed('BuildFailed'))).toContain(
        'there is no age key: put its private part under a name that ends in .agekey into a Secret, and name that in spec.decryption.secretRef',
      );
    } finally {
      await other.stop();
    }
  });

  test('when git-crypt has encrypted a file', async () => {
    expect(await refused('git-crypt', { 'a.yaml': '\0GITCRYPT\0\u0001\u0002' })).toContain(
      "'a.yaml' is encrypted with git-crypt, which nothing here decrypts: encrypt it with SOPS",
    );
  });

  test('when an encrypted Secret meets no spec.decryption', async () => {
    const spec = { decryption: undefined };
    expect(await refused('none', { 'a.yaml': encrypted('none') }, spec)).toContain(
      "Secret 'none' is encrypted with SOPS: set spec.decryption",
    );
  });

  test('and keeps what was decrypted out of conditions and events', async () => {
    const broken = encrypt(
      `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: leak\ndata:\n  key:\n    nested: leaked-plaintext\n`,
      'yaml',
      ['--encrypted-regex=^data$'],
    );
    await bed.publish({ 'a.yaml': broken }, 'r1', 'leak');
    await bed.apply({ decryption, sourceRef: { kind: 'ExternalArtifact', name: 'leak' } }, 'leak');
    const { client, namespace } = bed;
    const failed = await until<Kustomization>(
      client,
      kustomizations,
      { namespace, name: 'leak' },
      (o) => conditionOf(o)?.status === 'False',
    );
    expect(JSON.stringify(failed.status)).not.toContain('leaked-plaintext');
    expect(JSON.stringify(bed.events)).not.toMatch(/leaked-plaintext|never-shown|AGE-SECRET-KEY-1/);
  });

  test('without asking the key services that a file names', async () => {
    const address = Object.values(networkInterfaces())
      .flat()
      .find((each) => each && !each.internal && each.family === 'IPv4')?.address;
    let asked = 0;
    const server = createServer((socket) => {
      asked++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, address ?? '127.0.0.1', resolve));
    try {
      const { port } = server.address() as { port: number };
      const vault = `hc_vault:\n        - vault_address: http://${address}:${port}\n          engine_path: transit\n          key_name: key\n          created_at: "2026-01-01T00:00:00Z"\n          enc: vault:v1:xxxx\n    age:`;
      const file = encrypted('vault').replace('age:', vault).replace(/YWdl/, 'YWdm');
      expect(await refused('vault', { 'a.yaml': file })).toContain('cannot be decrypted');
      expect(asked).toBe(0);
    } finally {
      server.close();
    }
  });
});
