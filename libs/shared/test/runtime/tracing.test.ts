import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initTracing, type Tracing } from '../../src/runtime/tracing.ts';
import { currentTraceparent, withSpan, withTraceparent } from '../../src/runtime/tracing-api.ts';

const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const received: { path: string | undefined; body: string }[] = [];
let collector: Server;

it('without an endpoint costs nothing and carries nothing', async () => {
  const tracing = await initTracing({ serviceName: 'x' });
  expect(tracing.enabled).toBe(false);
  const result = await withSpan('work', { parent }, async () => currentTraceparent() ?? 'none');
  expect(result).toBe('none');
});

describe('with an endpoint', () => {
  let tracing: Tracing;

  beforeAll(async () => {
    collector = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      received.push({ path: request.url, body: Buffer.concat(chunks).toString() });
      response.end('{}');
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    const { port } = collector.address() as AddressInfo;
    const endpoint = `http://127.0.0.1:${port}`;
    tracing = await initTracing({ serviceName: 'source-controller', endpoint });
  });

  afterAll(() => collector.close());

  it('continues a trace given by its traceparent, and sends its spans', async () => {
    const inner = await withSpan('outer', { parent, attributes: { key: 'ns/app' } }, (span) => {
      span.event('fetched', { bytes: 7 });
      return withSpan('inner', {}, async () => currentTraceparent());
    });
    expect(inner).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
    expect(withTraceparent(parent, currentTraceparent)).toBe(parent);

    await expect(withSpan('failing', {}, () => Promise.reject(new Error('bad')))).rejects.toThrow();
    await tracing.shutdown();
    const text = received.map((r) => r.body).join();
    expect(received[0]?.path).toBe('/v1/traces');
    for (const word of ['source-controller', 'outer', 'inner', 'ns/app', 'fetched', 'failing']) {
      expect(text).toContain(word);
    }
  });
});
