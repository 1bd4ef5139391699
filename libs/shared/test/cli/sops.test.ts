import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  createSops,
  DataKeyError,
  type DataKeyRequest,
  type OpenDataKey,
  type RunOptions,
  runCommand,
  type SopsFormat,
  type SopsKey,
} from '@sluice/shared/cli';
import { toolPath } from '@sluice/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { encrypt, keys, openWithAge } from './sops-bed.ts';

const date = '2026-01-01T00:00:00Z';

let canary: Server;
let canaryAddress: string;
let connections = 0;
const runs: RunOptions[] = [];
const asked: DataKeyRequest[] = [];

beforeAll(async () => {
  canary = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => canary.listen(0, '127.0.0.1', resolve));
  // Loopback, where no proxy of the environment stands in between.
  canaryAddress = `http://127.0.0.1:${(canary.address() as { port: number }).port}`;
});
afterAll(() => canary.close());
beforeEach(() => {
  connections = 0;
  runs.length = 0;
  asked.length = 0;
});

const refuse: OpenDataKey = async ({ key }) => {
  throw new DataKeyError(`no ${key.kind}`);
};

async function decrypt(content: string, format: SopsFormat = 'yaml', open = openWithAge) {
  const sops = createSops({
    binary: toolPath('sops'),
    tempDir: tmpdir(),
    runCommand: (o) => {
      runs.push(o);
      return runCommand(o);
    },
  });
  const file = { name: `app.${format}`, content: Buffer.from(content), format };
  const call = {
    open: async (request: DataKeyRequest, signal: AbortSignal) => {
      asked.push(request);
      return open(request, signal);
    },
    share: 'apps',
    timeoutMs: 100_000,
  };
  return (await sops.decrypt(file, call)).toString();
}

const vault = () => ({
  vault_address: canaryAddress,
  engine_path: 'transit',
  key_name: 'key',
  created_at: date,
  enc: 'vault:v1:xxxx',
});

/** Adds keys of Vault to a file that sops has written. */
function withVault(encrypted: string, format: SopsFormat): string {
  const fields = Object.entries(vault());
  switch (format) {
    case 'yaml': {
      const lines = fields.map(([key, value]) => `${key}: "${value}"`).join('\n          ');
      return encrypted.replace(/^ {4}age:/m, `    hc_vault:\n        - ${lines}\n    age:`);
    }
    case 'json':
    case 'binary': {
      const document = JSON.parse(encrypted);
      document.sops.hc_vault = [vault()];
      return JSON.stringify(document);
    }
    case 'dotenv':
      return `${fields.map(([k, v]) => `sops_hc_vault__list_0__map_${k}=${v}\n`).join('')}${encrypted}`;
    case 'ini':
      return encrypted.replace(
        '[sops]\n',
        `[sops]\n${fields.map(([k, v]) => `hc_vault__list_0__map_${k} = ${v}\n`).join('')}`,
      );
  }
}

const plain: Record<SopsFormat, string> = {
  yaml: 'a: 1\nb_unencrypted:\n    # why\n    - 0644\n    - 1234567890123456789\n    - 1.50\n    - "yes"\n---\nc: d\n',
  json: '{"a_unencrypted": 12345678901234567890, "b": [1.50, true, "x"], "c_unencrypted": 1.50}',
  dotenv: 'A=b\n# why\nC=d e\n',
  ini: 'x = 1\n\n[part]\nname = y\n',
  binary: '\u0001 any bytes\n',
};
const formats = Object.keys(plain) as SopsFormat[];
const vaultKey = (): SopsKey => ({
  kind: 'hc_vault',
  address: canaryAddress,
  engine: 'transit',
  name: 'key',
});

describe.each(formats)('a file of format %s', (format) => {
  let encrypted: string;
  beforeAll(() => {
    encrypted = encrypt(plain[format], format);
  });

  test('is decrypted with the data key that the program asks us for', async () => {
    const expected = { yaml: '1.5', json: '1.5', dotenv: 'd e', ini: 'part', binary: 'any bytes' };
    expect(await decrypt(encrypted, format)).toContain(expected[format]);
    expect(asked.map(({ key }) => key)).toEqual([{ kind: 'age', recipient: keys.recipient }]);
    expect(asked[0]?.ciphertext).toContain('BEGIN AGE ENCRYPTED FILE');
    expect(String(runs[0]?.input)).toBe(encrypted);
    expect(JSON.stringify([runs[0]?.args, runs[0]?.env])).not.toContain('AGE-SECRET-KEY');
  });

  test('that names other keys as well asks for them here, and reaches nobody else', async () => {
    await expect(decrypt(withVault(encrypted, format), format, refuse)).rejects.toThrow(
      `'app.${format}' cannot be decrypted: no age; no hc_vault`,
    );
    expect(asked.map(({ key }) => key)).toEqual([
      { kind: 'age', recipient: keys.recipient },
      vaultKey(),
    ]);
    expect(asked[1]?.ciphertext).toBe('vault:v1:xxxx');
    expect(connections).toBe(0);
  });

  test('without metadata is refused', async () => {
    await expect(decrypt('a=b\n', format)).rejects.toThrow(/no valid sops file/);
    expect(asked).toEqual([]);
  });

  test('that was changed after its encryption is refused', async () => {
    const changed = encrypted.replace(/(?<=lastmodified[^0-9]{1,30}20)2/, '1');
    expect(changed).not.toBe(encrypted);
    await expect(decrypt(changed, format)).rejects.toThrow('its MAC does not match');
  });
});

const metadata = (fields: object) =>
  JSON.stringify({
    data: 'x',
    sops: { mac: 'ENC[x]', lastmodified: date, version: '3.13.3', ...fields },
  });
const age = [{ recipient: keys.recipient, enc: 'x' }];

test.each<[string, object, SopsKey]>([
  [
    'AWS KMS',
    {
      kms: [
        {
          arn: 'arn:aws:kms:eu-west-1:1:key/a',
          role: 'arn:aws:iam::1:role/r',
          context: { app: 'shop', stage: 'live' },
          created_at: date,
          enc: 'c2VhbGVk',
        },
      ],
    },
    {
      kind: 'kms',
      arn: 'arn:aws:kms:eu-west-1:1:key/a',
      role: 'arn:aws:iam::1:role/r',
      context: { app: 'shop', stage: 'live' },
    },
  ],
  [
    'Google Cloud KMS',
    { gcp_kms: [{ resource_id: 'projects/p', created_at: date, enc: 'c2VhbGVk' }] },
    { kind: 'gcp_kms', resource: 'projects/p' },
  ],
  [
    'Azure Key Vault',
    {
      azure_kv: [
        { vault_url: 'https://x', name: 'n', version: '1f', created_at: date, enc: 'c2VhbGVk' },
      ],
    },
    { kind: 'azure_kv', vaultUrl: 'https://x', name: 'n', version: '1f' },
  ],
  [
    'OpenBao or Vault',
    {
      hc_vault: [
        {
          vault_address: 'http://x',
          engine_path: 'e/f',
          key_name: 'k',
          created_at: date,
          enc: 'c2VhbGVk',
        },
      ],
    },
    { kind: 'hc_vault', address: 'http://x', engine: 'e/f', name: 'k' },
  ],
  [
    'PGP',
    { pgp: [{ fp: 'F00D', created_at: date, enc: 'c2VhbGVk' }] },
    { kind: 'pgp', fingerprint: 'F00D' },
  ],
  ['age', { age: [{ recipient: 'age1x', enc: 'c2VhbGVk' }] }, { kind: 'age', recipient: 'age1x' }],
  [
    'Huawei Cloud KMS',
    { hckms: [{ key_id: 'r:1', created_at: date, enc: 'c2VhbGVk' }] },
    { kind: 'hckms', id: 'r:1' },
  ],
])('a key of %s is asked for as the file names it', async (_, fields, key) => {
  await expect(decrypt(metadata(fields), 'json', refuse)).rejects.toThrow(`no ${key.kind}`);
  expect(asked).toEqual([{ key, ciphertext: 'c2VhbGVk' }]);
});

describe('refused is a file', () => {
  test.each([
    ['for no key', {}, 'no valid sops file'],
    ['for many keys', { age: Array(501).fill(age[0]) }, 'no age; more than 500 keys are named'],
    [
      'for many keys of services',
      { hc_vault: Array(51).fill({ vault_address: 'http://x', created_at: date, enc: 'x' }) },
      'no hc_vault; more than 50 keys of services are named',
    ],
  ])('%s', async (_, fields, message) => {
    await expect(decrypt(metadata(fields), 'json', refuse)).rejects.toThrow(message);
    expect(asked.length).toBeLessThanOrEqual(500);
  });

  test('with a key twice', async () => {
    await expect(decrypt('a: ENC[x]\nsops:\n    age: []\nsops:\n    pgp: []\n')).rejects.toThrow(
      'no valid sops file',
    );
    expect(runs).toEqual([]);
  });

  test('whose aliases stand for more than it holds, before the program runs', async () => {
    const levels = Array.from({ length: 12 }, (_, at) =>
      at === 0 ? 'a0: &a0 [x, x]' : `a${at}: &a${at} [${Array(9).fill(`*a${at - 1}`)}]`,
    );
    const text = `${levels.join('\n')}\nsops:\n    mac: ENC[x]\n`;
    await expect(decrypt(text)).rejects.toThrow('no valid sops file');
    expect(runs).toEqual([]);
  });

  test('larger than 5 MiB, before the program runs', async () => {
    const text = `a: ${'x'.repeat(5 * 1024 * 1024)}\n`;
    await expect(decrypt(text)).rejects.toThrow('larger than 5242880 bytes');
    expect(runs).toEqual([]);
  });
});

test('what fails for another reason than the key is not told as one of the file', async () => {
  const broken: OpenDataKey = async () => {
    throw new TypeError('a mistake of ours');
  };
  await expect(decrypt(encrypt('a: 1\n', 'yaml'), 'yaml', broken)).rejects.toThrow(
    new TypeError('a mistake of ours'),
  );
});

test('the socket of a run is for us alone, and gone after it', async () => {
  let mode = 0;
  let socket = '';
  const look: OpenDataKey = (request, signal) => {
    socket = /unix:\/\/(.*)/.exec(runs[0]?.args.join('\n') ?? '')?.[1] ?? '';
    expect(existsSync(socket)).toBe(true);
    mode = statSync(dirname(socket)).mode & 0o777;
    return openWithAge(request, signal);
  };
  expect(await decrypt(encrypt('a: 1\n', 'yaml'), 'yaml', look)).toBe('a: 1\n');
  expect(mode).toBe(0o700);
  expect(existsSync(socket)).toBe(false);
});

test('key groups are opened as far as their threshold asks', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sops-groups-'));
  const config = join(dir, 'config.yaml');
  const group = { age: [keys.recipient] };
  const rule = { key_groups: [group, group, group], shamir_threshold: 2 };
  writeFileSync(config, JSON.stringify({ creation_rules: [rule] }));
  const encrypted = encrypt('a: secret\n', 'yaml', '--config', config);
  rmSync(dir, { recursive: true });
  expect(encrypted).toContain('shamir_threshold: 2');
  let left = 2;
  const some: OpenDataKey = (request, signal) =>
    left-- > 0 ? openWithAge(request, signal) : refuse(request, signal);
  expect(await decrypt(encrypted, 'yaml', some)).toBe('a: secret\n');
  left = 1;
  await expect(decrypt(encrypted, 'yaml', some)).rejects.toThrow('cannot be decrypted: no age');
});

test('however many decryptions one namespace waits for, another one goes ahead', async () => {
  const gate = Promise.withResolvers<void>();
  let held = 0;
  const sops = createSops({
    binary: toolPath('sops'),
    tempDir: tmpdir(),
    async runCommand(o) {
      if (String(o.input).includes('greedy')) {
        held++;
        await gate.promise;
      }
      return runCommand(o);
    },
  });
  const decryptAs = async (share: string) => {
    const content = Buffer.from(encrypt(`${share}: secret\n`, 'yaml'));
    const file = { name: 'app.yaml', content, format: 'yaml' as const };
    return String(await sops.decrypt(file, { open: openWithAge, share, timeoutMs: 20_000 }));
  };
  const greedy = Array.from({ length: availableParallelism() + 4 }, () => decryptAs('greedy'));
  expect(await decryptAs('modest')).toBe('modest: secret\n');
  expect(held).toBe(availableParallelism());
  gate.resolve();
  expect(new Set(await Promise.all(greedy))).toEqual(new Set(['greedy: secret\n']));
});
