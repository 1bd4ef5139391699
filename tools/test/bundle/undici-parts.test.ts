import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { build } from 'esbuild';
import * as whole from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { undiciParts } from '../../bundle/undici-parts.ts';

const root = join(import.meta.dirname, '../../..');
let dir: string;
const server = createServer(async (request, response) => {
  response.end(JSON.stringify(await seen(request)));
});
let origin: string;
beforeAll(async () => {
  dir = await mkdtemp(join(root, 'node_modules/.undici-'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(dir, { recursive: true, force: true });
});

async function seen(request: IncomingMessage): Promise<unknown> {
  const { method, url, headers } = request;
  return { method, url, mark: headers['x-mark'], body: await text(request) };
}

async function bundled(source: string): Promise<{ module: typeof whole; inputs: string[] }> {
  const entry = join(dir, 'entry.mjs');
  await writeFile(entry, source);
  const outfile = join(dir, 'out.mjs');
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    metafile: true,
    logLevel: 'silent',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    plugins: [undiciParts],
  });
  return { module: await import(outfile), inputs: Object.keys(metafile.inputs) };
}

const names = 'Agent, buildConnector, Client, EnvHttpProxyAgent, Pool, ProxyAgent, request';

test('a bundle has the parts of undici that are used, which do as the whole does, and no others', async () => {
  const { module: parts, inputs } = await bundled(`export { ${names} } from 'undici';`);
  expect(Object.keys(parts).sort().join(', ')).toBe(names.split(', ').sort().join(', '));
  expect(inputs.filter((path) => /mock|websocket|eventsource|milo/.test(path))).toEqual([]);
  const ask = async ({ request, Agent, Pool }: typeof whole) => {
    const agent = new Agent();
    const pool = new Pool(origin, { connections: 1 });
    const headers = { 'x-mark': 'm' };
    const answers = await Promise.all([
      request(`${origin}/a?b=c#d`),
      request(new URL('/e', origin), { dispatcher: agent, headers }),
      request(`${origin}/f`, { dispatcher: agent, method: 'POST', body: 'g' }),
      request(`${origin}/h`, { body: 'i' }),
      pool.request({ path: '/j?k', method: 'PATCH', body: 'l', headers }),
    ]);
    const bodies = await Promise.all(answers.map(({ body }) => body.json()));
    await Promise.all([agent.close(), pool.close()]);
    return bodies;
  };
  expect(await ask(parts)).toEqual(await ask(whole));
});

test('what is not listed fails the build', async () => {
  await expect(bundled("export { MockAgent } from 'undici';")).rejects.toThrow('MockAgent');
});
