import { createHmac } from 'node:crypto';
import { connect } from '@nats-io/transport-node';
import type { Provider } from '@sluice/shared/api';
import { auditSubject, deadLetterSubject, streamUse } from '@sluice/shared/bus';
import { startOtlpReceiver, testCluster } from '@sluice/testing';
import { describe, expect, test, vi } from 'vitest';
import { useWorld } from '../use-world.ts';
import { about } from '../world.ts';
import { publishRecord, withRecord } from './records.ts';

const bed = useWorld();

const publish = (change?: Parameters<typeof publishRecord>[2]) =>
  publishRecord(bed.world.bus, bed.world.namespace, change);

/** Creates an Alert that asks for audit records, with its Provider. */
const auditAlert = (provider: Partial<Provider['spec']>, secret?: Record<string, string>) =>
  bed.world.alert({ provider, alert: { audit: {} }, ...(secret && { secret }) });

async function metric(name: string): Promise<number> {
  const { metricsUrl } = bed.world.controllers.processes['notification-controller'];
  const text = await (await fetch(metricsUrl)).text();
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

/** As many objects as a record has room for. */
const objects = Array.from({ length: 100 }, (_, i) => ({
  kind: 'Deployment.apps',
  namespace: 'apps',
  name: `web-${i}-${'x'.repeat(75)}`,
  action: 'apply',
}));

describe('an audit record', () => {
  test('reaches a generic Provider as the trail has it, and says what it is', async () => {
    await auditAlert({ address: bed.service.url }, { headers: 'Authorization: Bearer canary' });
    const record = await publish({
      what: { count: 100, objects },
      why: { text: '<b>"CHG-7"</b> & \u2028 ü' },
    });
    const size = Buffer.byteLength(JSON.stringify(record));
    expect(size).toBeGreaterThan(15 * 1024);
    expect(size).toBeLessThanOrEqual(16 * 1024);
    const request = await bed.service.waitFor(withRecord(record));
    expect(request.body).toBe(JSON.stringify(record));
    expect(request.headers).toMatchObject({
      'sluice-audit-record': record.id,
      'gotk-component': 'kustomize-controller',
      'content-type': 'application/json',
      authorization: 'Bearer canary',
    });
  });

  test('is signed for generic-hmac', async () => {
    const token = 'a-long-random-text';
    await auditAlert({ type: 'generic-hmac', address: bed.service.url }, { token });
    const record = await publish();
    const { headers, body } = await bed.service.waitFor(withRecord(record));
    const signature = createHmac('sha256', token).update(body).digest('hex');
    expect(headers['x-signature']).toBe(`sha256=${signature}`);
  });

  test('is published to NATS, with its id for streams', async () => {
    const { natsUrl } = await testCluster();
    const channel = `${bed.world.bus.prefix}-exported`;
    await auditAlert({ type: 'nats', address: natsUrl, channel });
    const connection = await connect({ servers: natsUrl });
    try {
      const subscription = connection.subscribe(channel, { max: 1 });
      await connection.flush();
      const record = await publish();
      for await (const message of subscription) {
        expect(message.json()).toEqual(record);
        expect(message.headers?.get('Nats-Msg-Id')).toBe(record.id);
        expect(message.headers?.get('Sluice-Audit-Record')).toBe(record.id);
      }
    } finally {
      await connection.close();
    }
  });

  test('is a span for an OpenTelemetry collector', async () => {
    const collector = await startOtlpReceiver();
    try {
      await auditAlert({ type: 'otel', address: collector.url });
      const { id } = await publish({ what: { count: 100, objects } });
      const isThere = async () => JSON.stringify(await collector.accepted()).includes(id);
      await vi.waitUntil(isThere, { timeout: 20_000 });
    } finally {
      await collector.stop();
    }
  });

  test('and an event each go to the Alerts that ask for them', async () => {
    await bed.world.alert({ provider: { address: `${bed.service.url}/events` } });
    await auditAlert({ address: `${bed.service.url}/records` });
    const record = await publish();
    const event = await bed.world.publish();
    await bed.service.waitFor(withRecord(record));
    await bed.service.waitFor(about(event.message));
    const last = await publish();
    await bed.service.waitFor(withRecord(last));
    const paths = bed.service.requests.map(({ path, headers }) => [
      path,
      headers['sluice-audit-record'],
    ]);
    expect(paths.sort()).toEqual(
      [
        ['/events', undefined],
        ['/records', record.id],
        ['/records', last.id],
      ].sort(),
    );
  });

  test('of before an Alert is not sent to it', async () => {
    await auditAlert({ address: `${bed.service.url}/first` });
    const before = await publish();
    await bed.service.waitFor(withRecord(before));
    // The API server knows the time of a creation to the second.
    const second = Math.floor(Date.now() / 1000);
    await vi.waitUntil(() => Math.floor(Date.now() / 1000) > second);
    await auditAlert({ address: `${bed.service.url}/second` });
    const after = await publish();
    await bed.service.waitFor(
      (request) => request.path === '/second' && withRecord(after)(request),
    );
    const sent = bed.service.requests.filter(({ path }) => path === '/second');
    expect(sent.map(({ headers }) => headers['sluice-audit-record'])).toEqual([after.id]);
  });

  test('that cannot be read is counted, stays where it is, and stops no other', async () => {
    const name = 'sluice_audit_records_unreadable_total';
    await auditAlert({ address: bed.service.url });
    const before = await metric(name);
    const { bus, namespace } = bed.world;
    const { jetstream } = await bus.ready();
    const subject = auditSubject(bus.prefix, { namespace, kind: 'Kustomization', name: 'web' });
    await jetstream.publish(subject, 'no JSON');
    await bus.publish({ subject, data: { id: 'a' }, id: 'no-record' });
    const newer = { 'Sluice-Schema': '2' };
    await bus.publish({ subject, data: {}, id: 'newer', headers: newer });
    await publishRecord(bus, 'another', {
      object: { kind: 'Kustomization', namespace: 'x', name: 'y', uid: '' },
    });
    const record = await publish();
    await bed.service.waitFor(withRecord(record));
    await vi.waitUntil(async () => (await metric(name)) === before + 3, { timeout: 20_000 });
    expect(bed.service.requests).toHaveLength(1);
    const { subjects } = await streamUse(bus, 'deadletter');
    expect([...subjects.keys()]).not.toContain(
      deadLetterSubject(bus.prefix, '_unreadable', 'audit'),
    );
  });
});

describe('a Provider of audit records', () => {
  test('that is dead for a time gets all of them afterwards, and keeps no other waiting', async () => {
    await auditAlert({ address: `${bed.service.url}/dead` });
    await auditAlert({ address: `${bed.service.url}/alive` });
    let isDead = true;
    bed.service.respond(({ path }) => ({ status: path === '/dead' && isDead ? 503 : 200 }));
    const records = [];
    for (let i = 0; i < 5; i++) records.push(await publish());
    for (const record of records) {
      await bed.service.waitFor((r) => r.path === '/alive' && withRecord(record)(r));
    }
    await bed.service.waitFor(({ path }) => path === '/dead');
    isDead = false;
    const seen = bed.service.requests.length;
    for (const record of records) {
      await bed.service.waitFor(
        (r) =>
          r.path === '/dead' && withRecord(record)(r) && bed.service.requests.indexOf(r) >= seen,
      );
    }
  });

  test('gets no record again that the trail has twice', async () => {
    await auditAlert({ address: bed.service.url });
    const record = await publish();
    await bed.service.waitFor(withRecord(record));
    // The same attempt, a day later.
    const { bus } = bed.world;
    const subject = auditSubject(bus.prefix, record.object);
    await bus.publish({ subject, data: record, id: 'again' });
    const last = await publish();
    await bed.service.waitFor(withRecord(last));
    expect(bed.service.requests.filter(withRecord(record))).toHaveLength(1);
  });
});
