import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KubeObject } from '@sluice/shared/api';
import { RetryableError } from '@sluice/shared/base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initTracing, type Tracing } from '../../../src/runtime/observe/tracing.ts';
import {
  artifactTraceparent,
  currentTraceparent,
  requestedTraceparent,
  traceparentAnnotation,
  withSpan,
  withTraceparent,
} from '../../../src/runtime/observe/tracing-api.ts';

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

    const error = new RetryableError('FetchFailed', 'canary-of-a-message');
    await expect(withSpan('failing', {}, () => Promise.reject(error))).rejects.toThrow(error);
    await withSpan('failed', {}, async (span) => span.fail('masked by the caller'));
    await tracing.shutdown();
    const text = received.map((r) => r.body).join();
    expect(received[0]?.path).toBe('/v1/traces');
    for (const word of ['source-controller', 'outer', 'inner', 'ns/app', 'fetched', 'failing']) {
      expect(text).toContain(word);
    }
    expect(text).toContain('FetchFailed');
    expect(text).toContain('masked by the caller');
    expect(text).not.toContain('canary');
  });
});

const requested = 'reconcile.fluxcd.io/requestedAt';

describe('the trace of a request', () => {
  it.each([
    {
      name: 'counts until the request is handled',
      annotations: { [requested]: 'a' },
      trace: `${parent} a`,
      found: true,
    },
    {
      name: 'is over once it is handled',
      annotations: { [requested]: 'a' },
      handled: 'a',
      trace: `${parent} a`,
    },
    {
      name: 'is not that of a later request',
      annotations: { [requested]: 'b' },
      handled: 'a',
      trace: `${parent} a`,
    },
    {
      name: 'may be given without naming the request',
      annotations: { [requested]: 'b' },
      trace: parent,
      found: true,
    },
    { name: 'is none without a request', annotations: {}, trace: parent },
    { name: 'is none when the annotation is empty', annotations: { [requested]: 'a' }, trace: '' },
  ])('$name', ({ annotations, handled, trace, found }) => {
    const all: Record<string, string> = {
      ...(annotations as object),
      [traceparentAnnotation]: trace,
    };
    const object: KubeObject & { status: object } = {
      apiVersion: 'v1',
      kind: 'Toy',
      metadata: { name: 'toy', annotations: all },
      status: { lastHandledReconcileAt: handled },
    };
    expect(requestedTraceparent(object)).toBe(found ? parent : undefined);
  });
});

describe('the trace of an artifact', () => {
  const artifact = (minutes: number) => ({
    path: '',
    url: '',
    revision: 'a',
    digest: 'sha256:a',
    lastUpdateTime: new Date(Date.now() - minutes * 60_000).toISOString(),
    metadata: { [traceparentAnnotation]: parent },
  });

  it('counts while the artifact is new', () => {
    expect(artifactTraceparent(artifact(1))).toBe(parent);
    expect(artifactTraceparent(undefined)).toBeUndefined();
  });

  it('is over after an hour, so that no trace goes on for days', () => {
    expect(artifactTraceparent(artifact(61))).toBeUndefined();
  });
});
