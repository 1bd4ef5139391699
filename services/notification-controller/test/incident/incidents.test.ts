import type { FluxEvent } from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Delivery } from '../../src/delivery/delivery.ts';
import { failureKey } from '../../src/incident/incident.ts';
import { createIncidents, type Incidents } from '../../src/incident/incidents.ts';
import { notesInMemory } from '../notes.ts';
import { eventOf } from '../objects.ts';

let incidents: Incidents;

beforeEach(() => {
  incidents = createIncidents(notesInMemory(), { logger: silentLogger });
});

function failure(id: string, at: number, change: Partial<FluxEvent> = {}): Delivery {
  const event = eventOf({ severity: 'error', reason: 'BuildFailed', ...change });
  return { ...base(id, at), event, incident: failureKey(event) };
}

const base = (id: string, at: number) => ({
  id,
  at,
  alert: { namespace: 'apps', name: 'alert' },
  provider: 'provider',
  key: id,
});

const recovery = (at: number): Delivery => ({
  ...base('recovery', at),
  event: eventOf(),
  recovers: 'only',
});

async function reasons(at: number): Promise<string[]> {
  return (await incidents.endedBy(recovery(at))).map(({ event }) => event.reason);
}

describe('failures that alerts tell of', () => {
  test('are ended by a recovery after them, whatever their reason', async () => {
    await incidents.opened(failure('1', 10));
    await incidents.opened(failure('2', 20, { reason: 'HealthCheckFailed' }));
    expect(await reasons(30)).toEqual(['BuildFailed', 'HealthCheckFailed']);
  });

  test('are not ended by a recovery before them', async () => {
    await incidents.opened(failure('1', 10));
    await incidents.opened(failure('2', 40, { reason: 'HealthCheckFailed' }));
    expect(await reasons(30)).toEqual(['BuildFailed']);
  });

  test('that came again are not ended by what lies between', async () => {
    await incidents.opened(failure('1', 10));
    await incidents.opened(failure('2', 40));
    expect(await reasons(30)).toEqual([]);
  });

  test('are waited for until their deliveries have ended', async () => {
    const first = failure('1', 10);
    const second = failure('2', 20);
    await incidents.opened(first);
    await incidents.opened(second);
    await incidents.ended(first, { told: true });
    expect(await incidents.isEarly(recovery(30))).toBe(true);
    await incidents.ended(second, { told: false });
    expect(await incidents.isEarly(recovery(30))).toBe(false);
    expect(await reasons(30)).toEqual(['BuildFailed']);
  });

  test('are forgotten when nobody was told', async () => {
    const only = failure('1', 10);
    await incidents.opened(only);
    await incidents.ended(only, { told: false });
    expect(await reasons(30)).toEqual([]);
  });

  test('are forgotten once their end is told, and a later one of the same kind is not', async () => {
    const first = failure('1', 10);
    await incidents.opened(first);
    await incidents.ended(first, { told: true, receipt: '7' });
    const later = failure('2', 50, { reason: 'HealthCheckFailed' });
    await incidents.opened(later);
    await incidents.ended(later, { told: true });
    await incidents.resolved(recovery(30));
    expect(await reasons(60)).toEqual(['HealthCheckFailed']);
  });

  test('of other metadata are others, and of another message are not', async () => {
    await incidents.opened(failure('1', 10, { metadata: { revision: 'r1' } }));
    await incidents.opened(failure('2', 11, { metadata: { revision: 'r2' } }));
    await incidents.opened(failure('3', 12, { metadata: { revision: 'r2' }, message: 'again' }));
    const ended = await incidents.endedBy(recovery(30));
    expect(ended.map(({ event }) => event.metadata)).toEqual([
      { revision: 'r1' },
      { revision: 'r2' },
    ]);
  });

  test('are not remembered when they are too large for that', async () => {
    await incidents.opened(failure('1', 10, { metadata: { a: 'x'.repeat(20_000) } }));
    expect(await reasons(30)).toEqual([]);
  });

  test('of another object or alert are not ended', async () => {
    await incidents.opened(failure('1', 10));
    const alert = { namespace: 'apps', name: 'other' };
    expect(await incidents.endedBy({ ...recovery(30), alert })).toEqual([]);
    const involvedObject = { kind: 'Kustomization', namespace: 'apps', name: 'other' };
    expect(
      await incidents.endedBy({ ...recovery(30), event: eventOf({ involvedObject }) }),
    ).toEqual([]);
  });
});
