import { silentLogger } from '@sluice/shared/base';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunningServer } from '../../../src/runtime/observe/http-server.ts';
import { startProfiling } from '../../../src/runtime/observe/profiling.ts';

let server: RunningServer | undefined;
let url: string;

beforeEach(async () => {
  server = await startProfiling({ address: '127.0.0.1:0', logger: silentLogger });
  url = `http://${server?.address}/debug/pprof`;
});
afterEach(() => server?.close());

test('profiles are not served without an address', async () => {
  expect(await startProfiling({ address: '', logger: silentLogger })).toBeUndefined();
});

describe('the profiling endpoints', () => {
  test('give a CPU profile of the process', async () => {
    const response = await fetch(`${url}/profile?seconds=1`);
    expect(response.headers.get('content-disposition')).toContain('.cpuprofile');
    const profile = (await response.json()) as {
      nodes: unknown[];
      endTime: number;
      startTime: number;
    };
    expect(profile.nodes.length).toBeGreaterThan(0);
    expect(profile.endTime - profile.startTime).toBeGreaterThanOrEqual(0.9e6);
  });

  test('give a sample of what is allocated', async () => {
    const profile = await (await fetch(`${url}/allocs?seconds=1`)).json();
    expect(profile).toMatchObject({ head: { children: expect.any(Array) } });
  });

  test('give a heap snapshot', async () => {
    const snapshot = await (await fetch(`${url}/heap`)).json();
    expect(snapshot).toMatchObject({ snapshot: { node_count: expect.any(Number) } });
  });

  test('take one profile at a time, also after a client went away', async () => {
    const leaving = new AbortController();
    const first = fetch(`${url}/profile?seconds=60`, { signal: leaving.signal });
    const status = () => fetch(`${url}/profile?seconds=1`).then((response) => response.status);
    await expect.poll(status, { timeout: 20_000 }).toBe(409);
    leaving.abort();
    await expect(first).rejects.toThrow();
    await expect.poll(status, { timeout: 20_000 }).toBe(200);
  });

  test.each(['0', '61', '1e9', '-1', 'long', ''])('refuse %o seconds', async (seconds) => {
    const response = await fetch(`${url}/profile?seconds=${seconds}`);
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('from 1 to 60');
  });

  test('list themselves, and know no others', async () => {
    expect(await (await fetch(`${url}/`)).text()).toContain('/debug/pprof/heap');
    expect((await fetch(`${url}/cmdline`)).status).toBe(404);
    expect((await fetch(`${url}/constructor`)).status).toBe(404);
    expect((await fetch(`${url}/heap`, { method: 'POST' })).status).toBe(405);
  });
});
