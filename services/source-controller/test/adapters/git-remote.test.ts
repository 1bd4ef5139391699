import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GitRepository, type GitServer, startGitServer } from '@sluice/testing';
import { Agent } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HttpTransport } from '../../src/adapters/git/http-transport.ts';
import { PackReader } from '../../src/adapters/git/pack-reader.ts';
import { openPack } from '../../src/adapters/git/pack-source.ts';
import { GitRemote } from '../../src/adapters/git/remote.ts';
import { listTree, readCommit } from '../../src/adapters/git/tree.ts';

/** What a proxy in front of the server saw. */
interface Seen {
  path: string;
  body: string;
}

let server: GitServer;
let repo: GitRepository;
let proxy: Server;
let dir: string;
let seen: Seen[];
/** Whether the proxy hides that the client knows protocol version 2. */
let legacy: boolean;
/** What the proxy answers in the server's place; undefined to ask the server. */
let answer: (seen: Seen) => string | undefined;
const dispatcher = new Agent();

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'remote-'));
  server = await startGitServer();
  repo = await server.createRepo('app');
  const files = Object.fromEntries(
    Array.from({ length: 300 }, (_, i) => [
      `dir-${i % 7}/file-${i}.yaml`,
      `value: ${i}\n`.repeat(i),
    ]),
  );
  await repo.commit({ files, tag: { name: 'v1', message: 'first' }, message: 'First' });
  await repo.commit({ files: { 'dir-0/file-0.yaml': 'changed' }, message: 'Second' });
  await repo.git(['gc', '--quiet']);
  proxy = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => forward(incoming, Buffer.concat(chunks), response));
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
});

function forward(
  incoming: IncomingMessage,
  body: Buffer,
  response: import('node:http').ServerResponse,
): void {
  const { url: path = '', method, headers } = incoming;
  const request = { path, body: body.toString('latin1') };
  seen.push(request);
  const own = answer(request);
  if (own !== undefined) {
    response.end(own);
    return;
  }
  const kept = { ...headers };
  if (legacy) delete kept['git-protocol'];
  const outgoing = httpRequest(
    { port: server.port, host: '127.0.0.1', method, path, headers: kept },
    (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(response);
    },
  );
  outgoing.end(body);
}

afterAll(async () => {
  await dispatcher.close();
  await new Promise((resolve) => proxy.close(resolve));
  await server.stop();
  await rm(dir, { recursive: true, force: true });
});

beforeEach(() => {
  seen = [];
  legacy = false;
  answer = () => undefined;
});

function remote(discovery?: GitRemote['discovery']): GitRemote {
  const url = new URL(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}/app.git`);
  const signal = AbortSignal.timeout(20_000);
  const transport = new HttpTransport({ url, dispatcher, signal });
  return new GitRemote({ transport, signal, discovery });
}

async function fetchTree(commit: string, name: string): Promise<Record<string, string>> {
  const pack = await remote().fetchPack({ commit, path: join(dir, name), maxBytes: 10_000_000 });
  const source = openPack(pack);
  const reader = await PackReader.open(source);
  const { tree: root } = await readCommit(reader, commit);
  const { files } = await listTree(reader, root);
  const tree = Object.fromEntries(files.map(({ path, oid }) => [path, oid]));
  source.close();
  return tree;
}

async function expectedTree(commit: string): Promise<Record<string, string>> {
  const text = await repo.git(['ls-tree', '-r', commit]);
  const rows = text.trim().split('\n');
  return Object.fromEntries(
    rows.map((row) => {
      const [meta = '', path = ''] = row.split('\t');
      return [path, meta.split(' ')[2] ?? ''];
    }),
  );
}

describe.each([
  { name: 'protocol version 2', isLegacy: false },
  { name: 'protocol version 0', isLegacy: true },
])('GitRemote with $name', ({ isLegacy }) => {
  beforeEach(() => {
    legacy = isLegacy;
  });

  it('lists references with what tags lead to', async () => {
    const oid = await repo.resolve('main');
    expect(await remote().listRefs('refs/heads/main')).toEqual([{ name: 'refs/heads/main', oid }]);
    const tags = await remote().listRefs('refs/tags/');
    const peeled = await repo.resolve('main~1');
    expect(tags).toEqual([{ name: 'refs/tags/v1', oid: expect.any(String), peeled }]);
  });

  it('fetches exactly the tree of a commit, without its history', async () => {
    const main = await repo.resolve('main');
    expect(await fetchTree(main, `main-${isLegacy}`)).toEqual(await expectedTree(main));
    const fetch = seen.find(({ body }) => body.includes(`want ${main}`));
    expect(fetch?.body).toContain('deepen 1');
  });

  it('fetches a commit that no reference names', async () => {
    const older = await repo.resolve('main~1');
    expect(await fetchTree(older, `older-${isLegacy}`)).toEqual(await expectedTree(older));
  });

  it('says what the server says about a commit it does not have', async () => {
    const options = { commit: '1'.repeat(40), path: join(dir, 'none'), maxBytes: 10_000 };
    const fetching = remote().fetchPack(options);
    await expect(fetching).rejects.toThrow(/not our ref/);
  });
});

describe('GitRemote', () => {
  it('asks for nothing but references in a poll, with one request once it knows the server', async () => {
    const first = remote();
    await first.listRefs('refs/heads/main');
    expect(first.discovery).toBeDefined();
    seen = [];

    await remote(first.discovery).listRefs('refs/heads/main');

    expect(seen).toHaveLength(1);
    expect(seen[0]?.body).toContain('command=ls-refs');
    expect(seen[0]?.body).not.toContain('want ');
  });

  it('finds out anew when what it knew is out of date', async () => {
    const first = remote();
    await first.listRefs('refs/heads/main');
    const outdated = { ...first.discovery, base: `${first.discovery?.base}-moved` };
    const again = remote(outdated as GitRemote['discovery']);
    expect(await again.listRefs('refs/heads/main')).toHaveLength(1);
    expect(again.discovery?.base).toBe(first.discovery?.base);
  });

  it('stops at the limit of a pack and leaves no file', async () => {
    const before = await readdir(dir);
    const main = await repo.resolve('main');
    const options = { commit: main, path: join(dir, 'limited'), maxBytes: 1000 };
    const fetching = remote().fetchPack(options);
    await expect(fetching).rejects.toThrow(/over the limit of 1000 bytes/);
    expect(await readdir(dir)).toEqual(before);
  });

  it('takes the history of a reference when the server hands out no commit by its name', async () => {
    const commit = await repo.resolve('main~1');
    await repo.git(['config', 'uploadpack.allowAnySHA1InWant', 'false']);
    answer = ({ body }) =>
      body.includes(`want ${commit}`)
        ? packet(`ERR upload-pack: not our ref ${commit}`)
        : undefined;
    const path = join(dir, 'history');
    const options = { commit, fallback: 'main', path, maxBytes: 10_000_000 };

    const pack = await remote().fetchPack(options);

    const reader = await PackReader.open(openPack(pack));
    expect((await readCommit(reader, commit)).subject).toBe('First');
    await repo.git(['config', 'uploadpack.allowAnySHA1InWant', 'true']);
  });

  it.each([
    {
      name: 'gives up in the middle of a pack',
      text: `${packet('NAK\n')}${packet('\x01PACK')}${packet('\x03aborting: out of memory')}`,
      message: 'the server says: aborting: out of memory',
    },
    { name: 'sends no pack', text: packet('NAK\n'), message: 'the server sent no pack' },
    { name: 'sends no packets', text: '<html>', message: 'smart protocol' },
  ])('notices a server that $name', async ({ text, message }) => {
    answer = ({ body }) => (body.includes('want ') ? text : undefined);
    const options = { commit: await repo.resolve('main'), path: join(dir, 'x'), maxBytes: 10_000 };
    await expect(remote().fetchPack(options)).rejects.toThrow(message);
  });

  it.each([
    { name: 'is damaged', tail: 'zzzz' },
    { name: 'is cut off', tail: '003f' },
  ])('takes no list of references that $name', async ({ tail }) => {
    const main = await repo.resolve('main');
    answer = ({ body }) =>
      body.includes('ls-refs') ? packet(`${main} refs/heads/main\n`) + tail : undefined;
    await expect(remote().listRefs('refs/heads/main')).rejects.toThrow(/Git’s smart protocol/);
  });

  it.each([
    { name: 'a web page', text: '<html>', message: /Git’s smart protocol/ },
    {
      name: 'a refusal',
      text: `001e# service=git-upload-pack\n0000${packet('ERR no such repository')}`,
      message: 'the server says: no such repository',
    },
  ])('tells $name from a repository', async ({ text, message }) => {
    answer = () => text;
    await expect(remote().listRefs('refs/heads/main')).rejects.toThrow(message);
  });
});

function packet(text: string): string {
  return (text.length + 4).toString(16).padStart(4, '0') + text;
}
