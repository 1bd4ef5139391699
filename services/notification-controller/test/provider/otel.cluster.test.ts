import type { FluxEvent } from '@sluice/shared/api';
import { type OtlpReceiver, startOtlpReceiver } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordOf } from '../audit/records.ts';
import { alert } from './contract.ts';
import { deliverRecordTo, deliverTo } from './deliver-to.ts';

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

  test('takes an audit record as a span of the trace of its revision, linked to that of the reconcile', async () => {
    const [traceId, spanId] = ['a'.repeat(32), 'b'.repeat(16)];
    const record = recordOf({
      phase: 'ended',
      result: 'failed',
      who: { controller: 'kustomize-controller', users: ['jane', 'joe'] },
      why: { mode: 'Approve', approvals: ['a1', 'a2'], text: 'CHG-7' },
      traceparent: `00-${traceId}-${spanId}-01`,
    });
    const send = (change: object) =>
      deliverRecordTo({ type: 'otel', address: collector.url }, {}, { ...record, ...change });
    await send({});
    await send({ id: 'another', traceparent: 'none', revision: undefined });
    const [first, second] = (await accepted()).slice(-2);
    expect(first?.span).toMatchObject({
      name: 'audit apply Kustomization: apps/web',
      startTimeUnixNano: '1767323045678000000',
      status: { code: 2 },
      links: [{ traceId, spanId }],
    });
    const attributes = first?.span?.['attributes'] as Attribute[];
    const values = attributes.map(({ key, value }) => [key, value.stringValue]);
    expect(Object.fromEntries(values)).toEqual({
      'object.uid': '6d1e',
      'object.kind': 'Kustomization',
      'object.name': 'web',
      'object.namespace': 'apps',
      revision: 'main@sha1:4f1c',
      'sluice.audit.id': record.id,
      'sluice.audit.action': 'apply',
      'sluice.audit.phase': 'ended',
      'sluice.audit.result': 'failed',
      'sluice.audit.controller': 'kustomize-controller',
      'sluice.audit.users': 'jane, joe',
      'sluice.audit.after': 'sha256:9a',
      'sluice.audit.count': '1',
      'sluice.audit.mode': 'Approve',
      'sluice.audit.approvals': 'a1, a2',
      'sluice.audit.text': 'CHG-7',
      'sluice.audit.record': JSON.stringify(record),
    });
    expect(second?.span).not.toHaveProperty('links');
    expect(second?.span?.['traceId']).not.toBe(first?.span?.['traceId']);
    expect(second?.span?.['spanId']).not.toBe(first?.span?.['spanId']);
  });
});
