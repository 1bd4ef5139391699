import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FakeClock, silentLogger } from '@sluice/shared/base';
import { ByteRate, NetworkGuard } from '@sluice/shared/net';
import { localNetwork, temporaryFolder } from '@sluice/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { Endpoints } from '../../../src/adapters/endpoint.ts';
import { PublicTrustRoot } from '../../../src/verification/trust-root/public-trust-root.ts';
import { type Flaws, startTufRepository, type TufRepository } from './tuf-repository.ts';

const dayMs = 24 * 60 * 60_000;
const minuteMs = 60_000;
const { signal } = new AbortController();
const rate = new ByteRate({ bytesPerSecond: 1e9, burst: 1e9 });
const endpoints = new Endpoints(localNetwork, rate);
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let repository: TufRepository;
let dir: string;
let clock: FakeClock;

beforeAll(async () => {
  folder = await temporaryFolder('tuf');
});

beforeEach(async () => {
  repository = await startTufRepository();
  clock = new FakeClock();
  dir = join(folder.path, randomBytes(4).toString('hex'));
});

afterEach(async () => {
  vi.useRealTimers();
  await repository.stop();
});

afterAll(async () => {
  await endpoints.close();
  await folder?.remove();
});

/** As a process has it that starts now. */
async function open(by = endpoints): Promise<PublicTrustRoot> {
  const firstRootPath = join(folder.path, `${randomBytes(4).toString('hex')}.json`);
  await writeFile(firstRootPath, repository.firstRoot);
  return openWith(firstRootPath, by);
}

function openWith(firstRootPath: string, by = endpoints): PublicTrustRoot {
  const mirror = repository.url;
  return new PublicTrustRoot({
    endpoints: by,
    mirror,
    firstRootPath,
    dir,
    clock,
    logger: silentLogger,
  });
}

it('is fetched once, whoever asks, and anew after a day', async () => {
  repository.publish('"one"');
  const root = await open();
  const read = () => root.read(signal);
  expect(await Promise.all([read(), read(), read()])).toEqual(['"one"', '"one"', '"one"']);
  const { length } = repository.requests;
  expect(repository.requests.filter((name) => name === 'timestamp.json')).toHaveLength(1);
  repository.publish('"two"');
  await clock.advance(dayMs - 1);
  expect(await read()).toBe('"one"');
  expect(repository.requests).toHaveLength(length);
  await clock.advance(1);
  expect(await read()).toBe('"two"');
});

it('is followed through new keys of the repository', async () => {
  repository.rotate();
  repository.publish('"one"');
  const root = await open();
  expect(await root.read(signal)).toBe('"one"');
  repository.rotate();
  repository.rotate();
  repository.publish('"two"');
  await clock.advance(dayMs);
  expect(await root.read(signal)).toBe('"two"');
});

it('is what sigstore.dev has signed when no first root is given', async () => {
  repository.publish('"one"');
  await expect(openWith('').read(signal)).rejects.toThrow(/timestamp.* signed/);
});

it('is kept for when the repository is away, until it expires, for the next process too', async () => {
  repository.rotate();
  repository.publish('"one"', { expires: new Date(Date.now() + dayMs).toISOString() });
  const root = await open();
  expect(await root.read(signal)).toBe('"one"');
  repository.isUp = false;
  await clock.advance(dayMs);
  expect(await root.read(signal)).toBe('"one"');
  expect(await (await open()).read(signal)).toBe('"one"');
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * dayMs });
  await expect((await open()).read(signal)).rejects.toThrow('cannot be fetched');
});

it('is not replaced by what was written into its directory', async () => {
  repository.publish('"one"');
  expect(await (await open()).read(signal)).toBe('"one"');
  const evil = await startTufRepository();
  evil.publish('"evil"');
  repository.isUp = false;
  const [own = ''] = await readdir(dir);
  const path = (name: string) => join(dir, own, name);
  const [target = ''] = await readdir(path('targets'));
  await writeFile(path(`targets/${target}`), '"evil"');
  await expect((await open()).read(signal)).rejects.toThrow('cannot be fetched');
  await writeFile(path('metadata/root.json'), evil.firstRoot);
  for (const name of ['timestamp.json', '1.snapshot.json', '1.targets.json']) {
    const content = evil.files.get(name) as Buffer;
    await writeFile(path(`metadata/${name.replace('1.', '')}`), content);
  }
  await evil.stop();
  await expect((await open()).read(signal)).rejects.toThrow('cannot be fetched');
  repository.isUp = true;
  expect(await (await open()).read(signal)).toBe('"one"');
  expect(await readFile(path(`targets/${target}`), 'utf8')).toBe('"one"');
});

it('is not replaced by an older one', async () => {
  repository.publish('"old"');
  const old = new Map(repository.files);
  repository.publish('"new"');
  const root = await open();
  expect(await root.read(signal)).toBe('"new"');
  repository.files.set('timestamp.json', old.get('timestamp.json') as Buffer);
  await clock.advance(dayMs);
  expect(await root.read(signal)).toBe('"new"');
});

it('says for a minute that it cannot be fetched, and asks no more often', async () => {
  repository.publish('"one"');
  repository.isUp = false;
  const root = await open();
  const failure = {
    name: 'RetryableError',
    reason: 'VerificationError',
    message: expect.stringMatching(
      /^the public trust root cannot be fetched from http:.*--sigstore-tuf-mirror.*--sigstore-trusted-root$/,
    ),
  };
  await expect(root.read(signal)).rejects.toMatchObject(failure);
  repository.isUp = true;
  await clock.advance(minuteMs - 1);
  await expect(root.read(signal)).rejects.toMatchObject(failure);
  expect(repository.requests).toEqual([]);
  await clock.advance(1);
  expect(await root.read(signal)).toBe('"one"');
});

it('is not waited for by who has given up', async () => {
  repository.publish('"one"');
  const root = await open();
  const aborted = AbortSignal.abort(new Error('given up'));
  await expect(root.read(aborted)).rejects.toThrow('given up');
  expect(await root.read(signal)).toBe('"one"');
});

it('is not fetched from an address that the network guard refuses', async () => {
  repository.publish('"one"');
  const guarded = new Endpoints(new NetworkGuard({ allow: [] }), rate);
  const failed = (await open(guarded)).read(signal);
  await expect(failed).rejects.toThrow('--sigstore-tuf-mirror leads to a refused address');
  expect(repository.requests).toEqual([]);
  await guarded.close();
});

it.each<{ name: string; flaws?: Flaws; spoil?(files: Map<string, Buffer>): void; why: RegExp }>([
  { name: 'signed by another key', flaws: { isForged: true }, why: /timestamp was signed by 0\/1/ },
  { name: 'expired', flaws: { expires: '2020-01-01T00:00:00Z' }, why: /expired/ },
  { name: 'other content than was signed', flaws: { sent: '"0ne"' }, why: /hash/ },
  { name: 'longer content than was signed', flaws: { sent: '"one" ' }, why: /length/ },
  { name: 'without the file', flaws: { target: 'other.json' }, why: /has no trusted_root\.json/ },
  {
    name: 'a file that is too large',
    spoil: (files) => files.set('timestamp.json', Buffer.alloc(20_000)),
    why: /length/,
  },
  {
    name: 'an answer without end',
    spoil: (files) => files.set('timestamp.json', Buffer.alloc(3 * 1024 * 1024)),
    why: /answer is over 1048576 bytes/,
  },
  {
    name: 'no JSON',
    spoil: (files) => files.set('timestamp.json', Buffer.from('<html>')),
    why: /JSON/,
  },
  { name: 'nothing', spoil: (files) => files.clear(), why: /there is no timestamp\.json/ },
  {
    name: 'keys that the root did not pass on',
    spoil: (files) => files.set('2.root.json', files.get('timestamp.json') as Buffer),
    why: /cannot be fetched/,
  },
])('is refused from a hostile repository: $name', async ({ flaws, spoil, why }) => {
  repository.publish('"one"', flaws);
  spoil?.(repository.files);
  await expect((await open()).read(signal)).rejects.toMatchObject({
    reason: 'VerificationError',
    message: expect.stringMatching(new RegExp(why.source, 'i')),
  });
});
