import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createSops,
  DataKeyError,
  type DataKeyRequest,
  type OpenDataKey,
  runCommand,
  type Sops,
} from '@sluice/shared/cli';
import { toolPath } from '@sluice/testing';
import { beforeEach, expect, test, vi } from 'vitest';
import { encrypt, keys, openWithAge } from './sops-bed.ts';

let runs = 0;
let endedRuns = 0;
let sops: Sops;
beforeEach(() => {
  runs = 0;
  endedRuns = 0;
  sops = createSops({
    binary: toolPath('sops'),
    tempDir: tmpdir(),
    async runCommand(o) {
      runs++;
      const result = await runCommand(o);
      endedRuns++;
      return result;
    },
  });
});

interface AgeKey {
  enc: string;
}

/** Turns keys of age into keys of Vault, which our stand-in opens with the age key. */
function asVault(sealed: AgeKey[], names: readonly string[]) {
  return names.map((name) => ({
    vault_address: 'http://vault.example',
    engine_path: 'transit',
    key_name: name,
    created_at: '2026-01-01T00:00:00Z',
    enc: Buffer.from(sealed[0]?.enc ?? '').toString('base64'),
  }));
}

/** A file that services of these names can open, and nobody else. */
function fileFor(...names: string[]) {
  const { sops: metadata, ...rest } = JSON.parse(encrypt('{"a": "secret"}', 'json'));
  const { age, ...others } = metadata;
  const content = JSON.stringify({ ...rest, sops: { ...others, hc_vault: asVault(age, names) } });
  return { name: 'app.json', content: Buffer.from(content), format: 'json' as const };
}

/** A file with a group for each name, of which two are needed. */
function fileOfGroups(...names: string[]) {
  const dir = mkdtempSync(join(tmpdir(), 'sops-groups-'));
  const config = join(dir, 'config.yaml');
  const rule = { key_groups: names.map(() => ({ age: [keys.recipient] })), shamir_threshold: 2 };
  writeFileSync(config, JSON.stringify({ creation_rules: [rule] }));
  const { sops: metadata, ...rest } = JSON.parse(
    encrypt('{"a": "secret"}', 'json', '--config', config),
  );
  rmSync(dir, { recursive: true });
  const groups = metadata.key_groups.map(({ age }: { age: AgeKey[] }, at: number) => ({
    hc_vault: asVault(age, [names[at] ?? '']),
  }));
  const content = JSON.stringify({ ...rest, sops: { ...metadata, key_groups: groups } });
  return { name: 'app.json', content: Buffer.from(content), format: 'json' as const };
}

const nameOf = ({ key }: DataKeyRequest) => (key.kind === 'hc_vault' ? key.name : key.kind);

/** As a service would. */
const openAsService: OpenDataKey = ({ ciphertext }, signal) =>
  openWithAge(
    {
      key: { kind: 'age', recipient: keys.recipient },
      ciphertext: Buffer.from(ciphertext, 'base64').toString(),
    },
    signal,
  );

/** Services that answer once they are told to: with the key, or with a refusal. */
function services() {
  const asked: string[] = [];
  const gates = new Map<string, PromiseWithResolvers<boolean>>();
  const gateOf = (name: string) => {
    const gate = gates.get(name) ?? Promise.withResolvers<boolean>();
    gates.set(name, gate);
    return gate;
  };
  const open: OpenDataKey = async (request, signal) => {
    const name = nameOf(request);
    asked.push(name);
    if (!(await gateOf(name).promise)) throw new DataKeyError(`${name} refuses`);
    return openAsService(request, signal);
  };
  return {
    asked,
    open,
    answer: (name: string, isOpened: boolean) => gateOf(name).resolve(isOpened),
  };
}

/** From then on, every answer is late. */
const firstRunEnded = () => vi.waitFor(() => expect(endedRuns).toBeGreaterThan(0), patience);
const patience = { timeout: 60_000 };
const limits = { share: 'apps', timeoutMs: 100_000 };
const plain = { a: 'secret' };
const parsed = async (decrypted: Promise<Buffer>) => JSON.parse(String(await decrypted));

test('while services of any number of namespaces do not answer, others decrypt', async () => {
  const { asked, open, answer } = services();
  const file = fileFor('silent');
  const shares = Array.from({ length: availableParallelism() + 3 }, (_, at) => `tenant-${at}`);
  const waiting = shares.flatMap((share) =>
    [0, 1].map(() => parsed(sops.decrypt(file, { open, share, timeoutMs: 100_000 }))),
  );
  await vi.waitFor(() => expect(asked).toHaveLength(waiting.length), patience);
  const content = Buffer.from(encrypt('a: 1\n', 'yaml'));
  const other = { name: 'app.yaml', content, format: 'yaml' as const };
  const call = { ...limits, share: 'other', open: openWithAge };
  expect(String(await sops.decrypt(other, call))).toBe('a: 1\n');
  answer('silent', true);
  expect(await Promise.all(waiting)).toEqual(waiting.map(() => plain));
});

test('a service that answers at once is asked once, in one run', async () => {
  const { asked, open, answer } = services();
  answer('first', true);
  expect(await parsed(sops.decrypt(fileFor('first', 'second'), { open, ...limits }))).toEqual(
    plain,
  );
  expect({ asked, runs }).toEqual({ asked: ['first'], runs: 1 });
});

test('behind a service that takes long, no other is asked until it has answered', async () => {
  const { asked, open, answer } = services();
  const decrypted = parsed(sops.decrypt(fileFor('first', 'second'), { open, ...limits }));
  await firstRunEnded();
  answer('first', true);
  expect(await decrypted).toEqual(plain);
  expect({ asked, runs }).toEqual({ asked: ['first'], runs: 2 });
});

test('behind services that refuse, late, the next one is asked', async () => {
  const { asked, open, answer } = services();
  const file = fileFor('first', 'second', 'third');
  const decrypted = parsed(sops.decrypt(file, { open, ...limits }));
  for (const name of ['first', 'second']) {
    await vi.waitFor(() => expect(asked).toContain(name), patience);
    await firstRunEnded();
    answer(name, false);
  }
  answer('third', true);
  expect(await decrypted).toEqual(plain);
  expect(asked).toEqual(['first', 'second', 'third']);
});

test('when all refuse, late, the message says of each why, in order', async () => {
  const { open, answer } = services();
  const decrypted = sops.decrypt(fileFor('first', 'second'), { open, ...limits });
  const failure = expect(decrypted).rejects.toThrow('first refuses; second refuses');
  answer('second', false);
  await firstRunEnded();
  answer('first', false);
  await failure;
});

test('groups are opened by services that take long as far as the threshold asks', async () => {
  const { asked, open, answer } = services();
  const decrypted = parsed(sops.decrypt(fileOfGroups('one', 'two', 'three'), { open, ...limits }));
  for (const [name, isOpened] of [
    ['one', true],
    ['two', false],
    ['three', true],
  ] as const) {
    await vi.waitFor(() => expect(asked).toContain(name), patience);
    await firstRunEnded();
    answer(name, isOpened);
  }
  expect(await decrypted).toEqual(plain);
  expect(asked).toEqual(['one', 'two', 'three']);
});

test('services that never answer end with the time that there is', async () => {
  const open: OpenDataKey = (_, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  const decrypted = sops.decrypt(fileFor('silent'), { ...limits, open, timeoutMs: 3_000 });
  await expect(decrypted).rejects.toThrow(/took longer than 3/);
});
