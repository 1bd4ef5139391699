import { afterEach, describe, expect, it } from 'vitest';
import { parseAddress, type RunningServer } from '../../../src/runtime/observe/http-server.ts';
import { createMetrics } from '../../../src/runtime/observe/metrics.ts';
import { startMetricsServer, startProbes } from '../../../src/runtime/observe/probes.ts';

const servers: RunningServer[] = [];
const address = '127.0.0.1:0';

async function started(starting: Promise<RunningServer | undefined>): Promise<string> {
  const server = await starting;
  servers.push(server!);
  return `http://${server?.address}`;
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

describe('probes', () => {
  it('answer 200 while all is well', async () => {
    const url = await started(startProbes({ address, checks: { cache: () => undefined } }));
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/readyz?verbose`)).status).toBe(200);
    expect((await fetch(`${url}/other`)).status).toBe(404);
  });

  it('answer 503 with the reasons while not ready, which is not unhealthy', async () => {
    const checks = { cache: () => Promise.reject(new Error('not synced')), disk: () => undefined };
    const url = await started(startProbes({ address, checks }));
    const response = await fetch(`${url}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.text()).toBe('cache: not synced');
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('are not served at address 0', async () => {
    expect(await startProbes({ address: '0' })).toBeUndefined();
  });

  it('say when their address is taken', async () => {
    const url = await started(startProbes({ address }));
    await expect(startProbes({ address: new URL(url).host })).rejects.toThrow('EADDRINUSE');
  });
});

it('serves the metrics in the text format', async () => {
  const { registry } = createMetrics('source-controller');
  const url = await started(startMetricsServer({ address, registry }));
  const response = await fetch(`${url}/metrics`);
  expect(response.headers.get('content-type')).toContain('text/plain');
  expect(await response.text()).toContain('process_cpu_seconds_total');
  expect((await fetch(url)).status).toBe(404);
});

describe('parseAddress', () => {
  it.each([
    { text: ':8080', expected: { port: 8080 } },
    { text: '127.0.0.1:0', expected: { host: '127.0.0.1', port: 0 } },
    { text: '[::1]:80', expected: { host: '::1', port: 80 } },
    { text: '0', expected: undefined },
    { text: '', expected: undefined },
  ])('reads $text', ({ text, expected }) => {
    expect(parseAddress(text)).toEqual(expected);
  });

  it.each(['8080', 'localhost', ':70000', 'a:b', '::1:80'])('refuses %s', (text) => {
    expect(() => parseAddress(text)).toThrow(text);
  });
});
