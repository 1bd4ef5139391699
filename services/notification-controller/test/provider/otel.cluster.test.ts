import type { FluxEvent } from '@sluice/shared/api';
import { type OtlpReceiver, startOtlpReceiver } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alert } from './contract.ts';
import { deliverTo } from './deliver-to.ts';

let collector: OtlpReceiver;

beforeAll(async () => {
  collector = await startOtlpReceiver();
});

afterAll(() => collector?.stop());

const deliver = (change: Partial<FluxEvent>) =>
  deliverTo({ type: 'otel', address: collector.url }, {}, change);

interface Attribute {
  key: string;
  value: { stringValue?: string };
}

interface Request {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: { spans: Record<string, unknown>[] }[];
  }[];
}

/** The requests so far, each with its one span. */
async function accepted() {
  const requests = (await collector.accepted()) as Request[];
  return requests.map(({ resourceSpans }) => {
    const [{ resource, scopeSpans } = { resource: { attributes: [] }, scopeSpans: [] }] =
      resourceSpans;
    const values = resource.attributes.map(({ key, value }) => [key, value.stringValue]);
    return { resource: Object.fromEntries(values), span: scopeSpans[0]?.spans[0] };
  });
}

describe('the receiver of the OpenTelemetry collector', () => {
  const metadata = { revision: 'main@sha1:abc', ünï: '"quoted"\n' };

  test('takes a success and a failure of a revision as spans of one trace', async () => {
    await deliver({ metadata });
    await deliver({ metadata, severity: 'error', message: 'down', reason: 'HealthCheckFailed' });
    const [success, failure] = await accepted();
    expect(success?.resource).toEqual({
      'service.name': 'apps/alert',
      'service.namespace': 'apps',
      'service.instance.id': alert.uid,
    });
    expect(success?.span).toMatchObject({
      name: 'Kustomization: apps/web',
      kind: 1,
      startTimeUnixNano: '1767323045678000000',
      endTimeUnixNano: '1767323045678000000',
      status: { code: 1 },
      attributes: expect.arrayContaining([
        { key: 'object.name', value: { stringValue: 'web' } },
        { key: 'ünï', value: { stringValue: '"quoted"\n' } },
      ]),
    });
    expect(failure?.span).toMatchObject({ status: { code: 2, message: 'down' } });
    expect(success?.span?.['traceId']).toMatch(/^[0-9a-f]{32}$/);
    expect(failure?.span?.['traceId']).toBe(success?.span?.['traceId']);
    expect(failure?.span?.['spanId']).not.toBe(success?.span?.['spanId']);
  });
});
