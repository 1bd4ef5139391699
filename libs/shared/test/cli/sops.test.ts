import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createSops,
  type RunOptions,
  runCommand,
  SopsError,
  type SopsFormat,
} from '@sluice/shared/cli';
import { toolPath } from '@sluice/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

/** A pair of age keys made for these tests. */
const keys = {
  recipient: 'age1tv9dr9jfkak3zq2hqr6g8qd5d0v7nuapfzyeaxdwrq8jzcwlcgjqjsx932',
  identity: 'AGE-SECRET-KEY-1FKQ0LS4DMY4DJ5GS7XHN8T4K2MWL9AGMN90C0X7DUHWLQ8T9EUUSWNEF97',
};
const date = '2026-01-01T00:00:00Z';

let canary: Server;
let vaultAddress: string;
let asked = 0;
const runs: RunOptions[] = [];

beforeAll(async () => {
  canary = createServer((socket) => {
    asked++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => canary.listen(0, '127.0.0.1', resolve));
  // Loopback, where no proxy of the environment stands in between.
  vaultAddress = `http://127.0.0.1:${(canary.address() as { port: number }).port}`;
});
afterAll(() => canary.close());
beforeEach(() => {
  asked = 0;
  runs.length = 0;
});

function encrypt(text: string, format: SopsFormat): string {
  const output = format === 'binary' ? 'json' : format;
  return execFileSync(
    toolPath('sops'),
    [
      'encrypt',
      `--age=${keys.recipient}`,
      `--input-type=${format}`,
      `--output-type=${output}`,
      `--filename-override=file.${format}`,
    ],
    { input: text, encoding: 'utf8', env: { HOME: '/nonexistent' } },
  );
}

async function decrypt(content: string, format: SopsFormat = 'yaml', ageKeys = keys.identity) {
  const sops = createSops({
    binary: toolPath('sops'),
    tempDir: tmpdir(),
    runCommand: (o) => {
      runs.push(o);
      return runCommand(o);
    },
  });
  const file = { name: `app.${format}`, content: Buffer.from(content), format };
  return (await sops.decrypt(file, { ageKeys, share: 'apps', timeoutMs: 20_000 })).toString();
}

const vault = () => ({
  vault_address: vaultAddress,
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

describe.each(formats)('a file of format %s', (format) => {
  let encrypted: string;
  beforeAll(() => {
    encrypted = encrypt(plain[format], format);
  });

  test('for age keys goes to the program as it is', async () => {
    const expected = { yaml: '1.5', json: '1.5', dotenv: 'd e', ini: 'part', binary: 'any bytes' };
    expect(await decrypt(encrypted, format)).toContain(expected[format]);
    expect(String(runs[0]?.input)).toBe(encrypted);
  });

  test('with other keys as well is decrypted without them', async () => {
    const alone = await decrypt(encrypted, format);
    expect(await decrypt(withVault(encrypted, format), format)).toBe(alone);
    expect(String(runs[1]?.input)).not.toContain(vaultAddress);
    expect(asked).toBe(0);
  });

  test('whose age key does not fit asks nobody else', async () => {
    const broken = withVault(encrypted, format).replace(/YWdl/, 'YWdm');
    await expect(decrypt(broken, format)).rejects.toThrow('cannot be decrypted with the age keys');
    expect(asked).toBe(0);
  });

  test('for other keys alone is refused before the program runs', async () => {
    const other = withVault(encrypted, format)
      .replaceAll(/\bage\b/g, 'pgp')
      .replaceAll('sops_age', 'sops_pgp')
      .replace(/^age__/gm, 'pgp__');
    await expect(decrypt(other, format)).rejects.toThrow(
      /'app\..*' needs a key of .*HashiCorp Vault.*: add an age key to it with sops updatekeys/,
    );
    expect(runs).toEqual([]);
  });

  test('without metadata is refused before the program runs', async () => {
    await expect(decrypt('a=b\n', format)).rejects.toThrow(SopsError);
    expect(runs).toEqual([]);
  });
});

const metadata = (fields: object) =>
  JSON.stringify({
    data: 'x',
    sops: { mac: 'ENC[x]', lastmodified: date, version: '3.13.3', ...fields },
  });
const age = [{ recipient: keys.recipient, enc: 'x' }];

describe('refused before the program runs:', () => {
  test.each([
    ['AWS KMS', { kms: [{ arn: 'arn:aws:kms:x' }] }, 'AWS KMS'],
    ['Google Cloud KMS', { gcp_kms: [{ resource_id: 'x' }] }, 'Google Cloud KMS'],
    ['Huawei Cloud KMS', { hckms: [{ key_id: 'x' }] }, 'Huawei Cloud KMS'],
    ['Azure Key Vault', { azure_kv: [{ vault_url: 'http://x' }] }, 'Azure Key Vault'],
    ['Vault as a map', { hc_vault: { vault_address: 'http://x' } }, 'HashiCorp Vault'],
    ['PGP', { pgp: [{ fp: 'x' }] }, 'PGP'],
    ['no key', {}, 'for no key at all'],
    ['another case', { age, HC_Vault: [{ vault_address: 'http://x' }] }, 'is not known'],
    ['an unknown kind', { age, new_kms: [{ url: 'http://x' }] }, 'is not known'],
    [
      'a group without an age key',
      { key_groups: [{ age }, { kms: [{ arn: 'x' }] }] },
      'add an age key to each of its key groups',
    ],
    ['an unknown kind in a group', { key_groups: [{ age, new: [] }] }, 'is not known'],
    ['a group that is none', { key_groups: ['x'] }, 'no map'],
    ['many age keys', { age: Array(501).fill(age[0]) }, 'more than 500 age keys'],
    ['many groups', { key_groups: Array(21).fill({ age }) }, '20 key groups'],
  ])('%s', async (_, fields, message) => {
    for (const format of ['json', 'yaml'] as const) {
      await expect(decrypt(metadata(fields), format)).rejects.toThrow(message);
    }
    expect(runs).toEqual([]);
  });

  test('a key twice', async () => {
    const text = `a: ENC[x]\nsops:\n    age: []\nsops:\n    hc_vault: [{vault_address: "${vaultAddress}"}]\n`;
    await expect(decrypt(text)).rejects.toThrow('no valid sops file');
    expect(runs).toEqual([]);
  });

  test('other keys in a form that sops does not write', async () => {
    const text = encrypt('a: 1', 'yaml').replace(/^ {4}age:/m, '    "kms": [{arn: x}]\n    age:');
    await expect(decrypt(text)).rejects.toThrow('not in the form in which sops writes it');
    expect(runs).toEqual([]);
  });

  test('a section of an INI file besides', async () => {
    const text = `${encrypt(plain.ini, 'ini')}\n[ sops ]\nhc_vault__list_0__map_enc = x\n`;
    await expect(decrypt(text, 'ini')).rejects.toThrow('no valid sops file');
    expect(runs).toEqual([]);
  });

  test('more than 5 MiB', async () => {
    const text = `a: ${'x'.repeat(5 * 1024 * 1024)}\n`;
    await expect(decrypt(text)).rejects.toThrow('larger than 5242880 bytes');
    expect(runs).toEqual([]);
  });
});

test('key groups that age keys open are decrypted, without the other keys in them', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sops-groups-'));
  const config = join(dir, 'config.yaml');
  const age = [keys.recipient];
  const rule = { key_groups: [{ age }, { age }], shamir_threshold: 2 };
  writeFileSync(config, JSON.stringify({ creation_rules: [rule] }));
  const args = ['--config', config, 'encrypt', '--input-type=yaml', '--output-type=yaml'];
  const encrypted = execFileSync(
    toolPath('sops'),
    [...args, `--filename-override=${dir}/file.yaml`],
    { input: 'a: secret\n', encoding: 'utf8' },
  );
  rmSync(dir, { recursive: true });
  expect(encrypted).toContain('key_groups:');
  expect(await decrypt(encrypted)).toBe('a: secret\n');
  const more = encrypted.replace(
    'hc_vault: []',
    `hc_vault:\n            - vault_address: ${vaultAddress}`,
  );
  expect(more).toContain(vaultAddress);
  expect(await decrypt(more)).toBe('a: secret\n');
  expect(String(runs[1]?.input)).not.toContain(vaultAddress);
});

test('however many decryptions one namespace waits for, another one goes ahead', async () => {
  const gate = Promise.withResolvers<void>();
  let held = 0;
  const sops = createSops({
    binary: toolPath('sops'),
    tempDir: tmpdir(),
    async runCommand(o) {
      if (o.env?.SOPS_AGE_KEY === 'greedy') {
        held++;
        await gate.promise;
      }
      return runCommand({ ...o, env: { ...o.env, SOPS_AGE_KEY: keys.identity } });
    },
  });
  const content = Buffer.from(encrypt('a: secret\n', 'yaml'));
  const decryptAs = async (share: string) => {
    const file = { name: 'app.yaml', content, format: 'yaml' as const };
    return String(await sops.decrypt(file, { ageKeys: share, share, timeoutMs: 20_000 }));
  };
  const greedy = Array.from({ length: availableParallelism() + 4 }, () => decryptAs('greedy'));
  expect(await decryptAs('modest')).toBe('a: secret\n');
  expect(held).toBe(availableParallelism());
  gate.resolve();
  expect(new Set(await Promise.all(greedy))).toEqual(new Set(['a: secret\n']));
});
