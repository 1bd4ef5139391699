import type { Alert, FluxEvent, Provider } from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import { beforeEach, describe, expect, test } from 'vitest';
import { memoryDeliveredLog } from '../../src/delivery/delivered.ts';
import type { Delivery } from '../../src/delivery/delivery.ts';
import { type Alerting, createAlerting } from '../../src/noise/alerting.ts';
import type { Suppression } from '../../src/noise/noise.ts';
import { notesInMemory } from '../notes.ts';
import { alertOf, eventOf, providerOf } from '../objects.ts';

const minuteMs = 60_000;
/** A Monday at noon. */
const noon = Date.parse('2026-01-12T12:00:00Z');

let nowMs: number;
let alert: Alert;
let alerting: Alerting;
let suppressed: Suppression[];
let id = 0;

beforeEach(() => {
  nowMs = noon;
});

function given(spec: Partial<Alert['spec']>, type: Provider['spec']['type'] = 'slack'): void {
  alert = alertOf(spec, { uid: 'alert-uid' });
  suppressed = [];
  const delivered = memoryDeliveredLog(5 * minuteMs, () => nowMs);
  const made = createAlerting({
    alerts: () => [alert],
    alertOf: () => alert,
    providerOf: () => providerOf({ type }),
    memory: notesInMemory(),
    delivered,
    labelsOf: async () => ({}),
    noCrossNamespaceRefs: false,
    onSuppressed: (_, why) => suppressed.push(why),
    logger: silentLogger,
    now: () => nowMs,
  });
  alerting = made;
}

const named = (name: string) => ({ ...eventOf().involvedObject, name });
const take = (change: Partial<FluxEvent> = {}) =>
  alerting.spread({ event: eventOf(change), id: `event-${id++}`, at: nowMs });
const fail = (change: Partial<FluxEvent> = {}) =>
  take({ severity: 'error', reason: 'BuildFailed', message: 'down', ...change });
const isNews = async (event: FluxEvent) =>
  alerting.isNews(event, await alerting.dispatch(event, ''));
const told = (delivery: Delivery) => alerting.incidents.ended(delivery, { told: true });

async function released(timer: Delivery | undefined): Promise<Delivery[]> {
  if (timer === undefined) throw new Error('there is no timer');
  const release = await alerting.release(timer);
  if ('waitMs' in release) throw new Error(`it waits ${release.waitMs} ms`);
  await release.stored();
  return release.deliveries;
}

describe('a group', () => {
  beforeEach(() => given({ groupBy: { window: '1m' } }));

  test('is one delivery that lists the failures, once its window is over', async () => {
    const [timer, ...rest] = await fail({ involvedObject: named('a') });
    expect(rest).toEqual([]);
    expect(await fail({ involvedObject: named('b'), message: 'worse\nby far' })).toEqual([]);
    await fail({ involvedObject: named('a') });
    if (timer === undefined) throw new Error('no timer');
    expect(await alerting.release(timer)).toEqual({ waitMs: 15_000 });
    nowMs += minuteMs;
    const [delivery, ...others] = await released(timer);
    expect(others).toEqual([]);
    expect(delivery?.event).toMatchObject({
      involvedObject: { kind: 'Alert', namespace: 'apps', name: 'alert', uid: 'alert-uid' },
      severity: 'error',
      reason: 'BuildFailed',
      message:
        '2 failures\n- Kustomization/apps/a: BuildFailed: down (2 times)\n- Kustomization/apps/b: BuildFailed: worse',
    });
    expect(await released(timer)).toEqual([]);
    expect(suppressed).toEqual(['grouped', 'grouped', 'grouped']);
  });

  test('is made again as it was when the process ends before it is stored', async () => {
    const [timer] = await fail({ involvedObject: named('a') });
    await fail({ involvedObject: named('b') });
    if (timer === undefined) throw new Error('no timer');
    nowMs += minuteMs;
    const first = await alerting.release(timer);
    const [next] = await fail({ involvedObject: named('c') });
    expect(next?.timer).toBeDefined();
    const second = await alerting.release(timer);
    expect(second).toMatchObject({ deliveries: 'deliveries' in first ? first.deliveries : [] });
  });

  test('leaves out what is over before it is sent', async () => {
    const [timer] = await fail({ involvedObject: named('a') });
    await fail({ involvedObject: named('b') });
    const [other] = await take({ involvedObject: named('a') });
    nowMs += minuteMs;
    const [delivery] = await released(timer);
    expect(delivery?.event).toMatchObject({ involvedObject: { name: 'b' }, message: 'down' });
    // The success itself is in a group of its own, since the alert wants it.
    expect((await released(other))[0]?.event.message).toBe(eventOf().message);
  });

  test('lists a hundred, and says how many more there are', async () => {
    const [timer] = await fail({ involvedObject: named('first') });
    for (let i = 0; i < 120; i++) await fail({ involvedObject: named(`app-${i}`) });
    nowMs += minuteMs;
    const [delivery] = await released(timer);
    const lines = delivery?.event.message.split('\n') ?? [];
    expect(lines[0]).toBe('121 failures');
    expect(lines).toHaveLength(102);
    expect(lines.at(-1)).toBe('- and 21 more');
  });

  test('of what ended is one delivery as well, which is waited for and forgotten', async () => {
    const [timer] = await fail({ involvedObject: named('a') });
    await fail({ involvedObject: named('b') });
    nowMs += minuteMs;
    const [failures] = await released(timer);
    const [end] = await take({ involvedObject: named('a') });
    await take({ involvedObject: named('b') });
    nowMs += minuteMs;
    const [recoveries] = await released(end);
    if (failures === undefined || recoveries === undefined) throw new Error('not delivered');
    expect(recoveries.event).toMatchObject({ severity: 'info' });
    expect(recoveries.event.message).toContain('2 recoveries');
    expect(await alerting.incidents.isEarly(recoveries)).toBe(true);
    await told(failures);
    expect(await alerting.incidents.isEarly(recoveries)).toBe(false);
    await alerting.incidents.resolved(recoveries);
    expect((await take({ involvedObject: named('a'), message: 'x' }))[0]?.recovers).toBeUndefined();
  });

  test('is not for services that group by themselves', async () => {
    given({ groupBy: { window: '1m' } }, 'pagerduty');
    const [delivery] = await fail();
    expect(delivery?.timer).toBeUndefined();
  });

  test('is one for each value of its fields', async () => {
    given({ groupBy: { window: '1m', fields: ['namespace', 'reason'] } });
    expect(await fail({ involvedObject: named('a') })).toHaveLength(1);
    expect(await fail({ involvedObject: named('b') })).toHaveLength(0);
    expect(await fail({ reason: 'HealthCheckFailed' })).toHaveLength(1);
  });

  test('is sent sooner when its alert says so', async () => {
    const [timer] = await fail();
    nowMs += 10_000;
    alert = alertOf({ groupBy: { window: '5s' } });
    expect(await released(timer)).toHaveLength(1);
  });

  test('whose note is lost is its first delivery', async () => {
    const [timer] = await fail();
    given({ groupBy: { window: '1m' } });
    const deliveries = await released({ ...(timer as Delivery), incident: undefined });
    expect(deliveries).toMatchObject([{ event: { message: 'down' } }]);
    expect(deliveries[0]?.timer).toBeUndefined();
  });

  test('whose timer is lost gets another one from the next event', async () => {
    await fail({ involvedObject: named('a') });
    nowMs += 10 * minuteMs;
    const [timer] = await fail({ involvedObject: named('b') });
    expect((await released(timer))[0]?.event.message).toContain('2 failures');
  });
});

describe('a threshold', () => {
  beforeEach(() => given({ threshold: { count: 3, within: '10m' } }));

  test('holds back failures until there are enough, and then no more', async () => {
    expect(await fail()).toEqual([]);
    nowMs += minuteMs;
    expect(await fail()).toEqual([]);
    nowMs += minuteMs;
    expect(await fail()).toHaveLength(1);
    expect(await fail()).toHaveLength(1);
    expect(suppressed).toEqual(['threshold', 'threshold']);
  });

  test('does not count failures before its time, of other objects or of other reasons', async () => {
    await fail();
    await fail();
    expect(await fail({ involvedObject: named('other') })).toEqual([]);
    expect(await fail({ reason: 'HealthCheckFailed' })).toEqual([]);
    nowMs += 10 * minuteMs;
    expect(await fail()).toEqual([]);
  });

  test('counts an event that is taken again once', async () => {
    const event = eventOf({ severity: 'error' });
    for (let i = 0; i < 5; i++) {
      expect(await alerting.spread({ event, id: 'same', at: nowMs })).toEqual([]);
    }
  });

  test('lets through what is no failure', async () => {
    expect(await take()).toHaveLength(1);
  });
});

describe('a repeat interval', () => {
  beforeEach(() => given({ repeatInterval: '1h' }, 'generic'));

  test('holds back a failure that goes on, whatever its words, until it is over', async () => {
    const [first] = await fail();
    await told(first as Delivery);
    nowMs += 30 * minuteMs;
    expect(await fail({ message: 'still down' })).toEqual([]);
    nowMs += 30 * minuteMs;
    const [again] = await fail({ message: 'still down' });
    expect(again).toMatchObject({ repeats: true });
    expect(suppressed).toEqual(['repeated']);
  });

  test('lets a failure through at once after a recovery, and one of another revision', async () => {
    const [first] = await fail();
    await told(first as Delivery);
    const revision = { 'kustomize.toolkit.fluxcd.io/revision': 'r2' };
    expect(await fail({ metadata: revision })).toHaveLength(1);
    await take();
    expect(await fail()).toHaveLength(1);
  });

  test('lets a failure through after a recovery that is not told yet', async () => {
    given({ repeatInterval: '1h' });
    const [first] = await fail();
    await told(first as Delivery);
    const [recovery] = await take();
    expect(recovery?.recovers).toBe('also');
    nowMs += 1;
    expect(await fail()).toHaveLength(1);
  });

  test('holds back a failure while one like it is being delivered', async () => {
    expect(await fail()).toHaveLength(1);
    expect(await fail()).toEqual([]);
  });

  test('makes repetitions news', async () => {
    expect(await isNews(eventOf())).toBe(true);
    given({});
    expect(await isNews(eventOf())).toBe(false);
  });
});

describe('quiet hours', () => {
  const quietHours = [{ from: '12:00', to: '13:00' }];
  beforeEach(() => given({ quietHours }));

  test('hold failures until they end, and leave out what is none', async () => {
    const [timer] = await fail({ involvedObject: named('a') });
    await fail({ involvedObject: named('b') });
    expect(await take({ involvedObject: named('c'), reason: 'Progressing' })).toEqual([]);
    nowMs += 59 * minuteMs;
    expect(await alerting.release(timer as Delivery)).toEqual({ waitMs: 15_000 });
    nowMs += minuteMs;
    const deliveries = await released(timer);
    expect(deliveries.map(({ event }) => event.message.split('\n')[0])).toEqual(['2 failures']);
    expect(suppressed).toEqual(['grouped', 'grouped', 'quiet']);
  });

  test('tell nothing of what is over when they end', async () => {
    const [timer] = await fail();
    expect(await take()).toEqual([]);
    nowMs += 60 * minuteMs;
    expect(await released(timer)).toEqual([]);
  });

  test('end early when the alert is changed', async () => {
    const [timer] = await fail();
    alert = alertOf({});
    expect(await released(timer)).toHaveLength(1);
  });

  test('hold what ends a failure that was told before', async () => {
    nowMs -= 10 * minuteMs;
    const [failure] = await fail();
    await told(failure as Delivery);
    nowMs += 20 * minuteMs;
    const [timer] = await take();
    expect(timer?.timer).toBeDefined();
    nowMs += 60 * minuteMs;
    expect(await released(timer)).toMatchObject([{ recovers: 'only' }]);
  });

  test.each(['opsgenie', 'alertmanager'] as const)(
    'lose no failure of a service that has an incident for each: %s',
    async (type) => {
      given({ quietHours }, type);
      const [timer] = await fail({ involvedObject: named('first') });
      const atOnce: Delivery[] = [];
      for (let i = 0; i < 120; i++)
        atOnce.push(...(await fail({ involvedObject: named(`app-${i}`) })));
      expect(atOnce).toHaveLength(21);
      expect(atOnce.every((delivery) => delivery.timer === undefined)).toBe(true);
      nowMs += 60 * minuteMs;
      const later = await released(timer);
      const members = later.flatMap((delivery) => delivery.members ?? [delivery]);
      const names = [...members, ...atOnce].map(({ event }) => event.involvedObject.name);
      expect(new Set(names).size).toBe(121);
      expect(later.some(({ event }) => event.message.includes('more'))).toBe(false);
    },
  );

  test('end incidents at once, where a service keeps them, and open them one by one', async () => {
    given({ quietHours }, 'opsgenie');
    nowMs -= 10 * minuteMs;
    const [failure] = await fail();
    await told(failure as Delivery);
    nowMs += 20 * minuteMs;
    expect(await take()).toMatchObject([{ recovers: 'only' }]);
    const [timer] = await fail({ involvedObject: named('a') });
    await fail({ involvedObject: named('b') });
    nowMs += 60 * minuteMs;
    const deliveries = await released(timer);
    expect(deliveries.map(({ event }) => event.involvedObject.name)).toEqual(['a', 'b']);
  });

  test('are not for statuses of commits', async () => {
    given({ quietHours }, 'github');
    const [delivery] = await fail();
    expect(delivery).toMatchObject({ event: { message: 'down' } });
    expect(delivery?.timer).toBeUndefined();
  });
});
