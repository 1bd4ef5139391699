import { FakeClock } from '@sluice/shared/base';
import {
  ConnectionError,
  createInformer,
  type InformerEvent,
  type InformerHealth,
  type InformerOptions,
} from '@sluice/shared/kube';
import { afterEach, describe, expect, test } from 'vitest';
import { gone, ScriptedServer, settle, type Thing, thing, things } from './scripted-server.ts';

const running: { stop(): Promise<void> }[] = [];
afterEach(() => Promise.all(running.splice(0).map((informer) => informer.stop())));

function setup(
  first: ConstructorParameters<typeof ScriptedServer>[0],
  options: Partial<InformerOptions<Thing>> = {},
) {
  const clock = new FakeClock();
  const server = new ScriptedServer(first);
  const health: InformerHealth[] = [];
  const informer = createInformer<Thing>({
    client: server.client,
    resource: things,
    clock,
    random: () => 0.5,
    onHealth: (e) => health.push(e),
    ...options,
  });
  running.push(informer);
  return { clock, server, health, informer };
}

function record(informer: ReturnType<typeof setup>['informer']) {
  const seen: string[] = [];
  const off = informer.onEvent((e) => seen.push(describeEvent(e)));
  return { seen, off };
}

const describeEvent = ({ type, object }: InformerEvent<Thing>) =>
  `${type} ${object.metadata.name}@${object.metadata.resourceVersion}`;

const reset = () =>
  new ConnectionError({ code: 'ECONNRESET', verb: 'GET', path: '/', message: 'reset' });

async function started(
  first: ConstructorParameters<typeof ScriptedServer>[0],
  options?: Partial<InformerOptions<Thing>>,
) {
  const parts = setup(first, options);
  const recorded = record(parts.informer);
  parts.informer.start();
  await settle(parts.clock);
  return { ...parts, ...recorded };
}

const list = (version: number, ...items: Thing[]) => ({ items, resourceVersion: String(version) });

describe('informer', () => {
  test('1. It is synced only after the first whole list has been handed to the listeners', async () => {
    const { informer, clock } = setup(list(5, thing('a', 1), thing('b', 2)));
    const seen: boolean[] = [];
    informer.onEvent(() => seen.push(informer.hasSynced));
    expect(informer.hasSynced).toBe(false);
    informer.start();
    await settle(clock);
    await informer.synced();
    expect(seen).toEqual([false, false]);
    expect(informer.hasSynced).toBe(true);
  });

  test('1b. Waiting for the first list ends with the reason of the signal, or when stopped', async () => {
    const { informer } = setup(new Error('refused'));
    informer.start();
    const reason = new Error('no more time');
    await expect(informer.synced(AbortSignal.abort(reason))).rejects.toBe(reason);
    const waiting = informer.synced();
    await informer.stop();
    await expect(waiting).rejects.toThrow('the informer of things was stopped');
  });

  test('2. Listeners are called in order and read state at least as new as the event', async () => {
    const { informer, server, clock, seen } = await started(list(5, thing('a', 1)));
    const versions: unknown[] = [];
    informer.onEvent(() => versions.push(informer.get('ns/a')?.metadata.resourceVersion));
    server.watch.send('MODIFIED', thing('a', 6)).send('MODIFIED', thing('a', 7));
    server.watch.send('DELETED', thing('a', 8)).send('ADDED', thing('b', 9));
    await settle(clock);
    expect(seen).toEqual(['added a@1', 'modified a@6', 'modified a@7', 'deleted a@8', 'added b@9']);
    expect(versions).toEqual(['1', '6', '7', undefined, undefined]);
  });

  test('3. A late listener gets each present object as added, then every later event, none twice', async () => {
    const { informer, server, clock } = await started(list(5, thing('a', 1)));
    let late: string[] | undefined;
    informer.onEvent((e) => {
      if (e.object.metadata.name === 'b') late ??= record(informer).seen;
    });
    server.watch.send('ADDED', thing('b', 6)).send('MODIFIED', thing('b', 7));
    await settle(clock);
    expect(late).toEqual(['added a@1', 'added b@6', 'modified b@7']);
  });

  test('4. An object that disappeared while no watch ran is announced as deleted after the next list', async () => {
    const { server, clock, seen, informer } = await started(list(5, thing('a', 1), thing('b', 2)));
    server.lists.push(list(9, thing('b', 2)));
    server.lists.shift();
    server.watch.fail(gone());
    await clock.advance(1000);
    expect(seen).toEqual(['added a@1', 'added b@2', 'deleted a@1']);
    expect(informer.list()).toEqual([thing('b', 2)]);
  });

  test('5. An object replaced by another of the same name is announced as deleted, then added', async () => {
    const { server, clock, seen } = await started(list(5, thing('a', 1)));
    server.lists[0] = list(9, thing('a', 8, { uid: 'other' }));
    server.watch.fail(gone());
    await clock.advance(1000);
    expect(seen).toEqual(['added a@1', 'deleted a@1', 'added a@8']);
  });

  test('6. An object whose resource version did not change is not announced again', async () => {
    const { server, clock, seen } = await started(list(5, thing('a', 1)));
    server.watch.fail(gone());
    await clock.advance(1000);
    server.watch.send('ADDED', thing('a', 1));
    await settle(clock);
    expect(server.listed).toBe(2);
    expect(seen).toEqual(['added a@1']);
  });

  test('7. After a lost connection the watch continues from the last version, bookmarks included, without a list', async () => {
    const { server, clock, seen } = await started(list(5, thing('a', 1)));
    server.watch.send('MODIFIED', thing('a', 6)).send('BOOKMARK', thing('', 42)).fail(reset());
    await clock.advance(1000);
    expect(server.watches.map((watch) => watch.options.resourceVersion)).toEqual(['5', '42']);
    expect(server.watch.options.bookmarks).toBe(true);
    expect(server.listed).toBe(1);
    expect(seen).toEqual(['added a@1', 'modified a@6']);
  });

  test('8. A version that is too old leads to a new list; listeners, objects and indexes stay', async () => {
    const { server, clock, seen, informer } = await started(list(5, thing('a', 1)), {
      indexes: { color: (o) => (o.color === undefined ? [] : [o.color]) },
    });
    server.lists[0] = list(9, thing('a', 8, { color: 'red' }));
    server.watch.fail(gone());
    await settle(clock);
    expect(informer.get('ns/a')).toBeDefined();
    await clock.advance(1000);
    expect(seen).toEqual(['added a@1', 'modified a@8']);
    expect(informer.byIndex('color', 'red')).toHaveLength(1);
    expect(server.watch.options.resourceVersion).toBe('9');
  });

  test('9. Each watch is given an idle time, and one that it ends is opened anew', async () => {
    const { server, clock } = await started(list(5), { idleTimeoutMs: 1234 });
    expect(server.watch.options.idleTimeoutMs).toBe(1234);
    const message = 'no byte';
    server.watch.fail(new ConnectionError({ code: 'IDLE', verb: 'GET', path: '/', message }));
    await clock.advance(1000);
    expect(server.watches).toHaveLength(2);
  });

  test('10. A failed list is repeated for ever with growing, jittered, bounded delays', async () => {
    const { server, clock, health, informer } = await started(new Error('refused'));
    await clock.advance(10 * 60_000);
    const delays = health.flatMap((e) => (e.type === 'failed' ? [e.retryMs] : []));
    // random = 0.5: three quarters of 200 ms, doubling up to 30 s.
    expect(delays.slice(0, 9)).toEqual([150, 300, 600, 1200, 2400, 4800, 9600, 19_200, 22_500]);
    expect(delays.length).toBeGreaterThan(25);
    expect(Math.max(...delays)).toBe(22_500);
    server.lists[0] = list(5, thing('a', 1));
    await clock.advance(30_000);
    expect(informer.hasSynced).toBe(true);
  });

  test('10b. A closed client ends it', async () => {
    const { server, clock } = await started(list(5));
    const message = 'closed';
    server.watch.fail(new ConnectionError({ code: 'CLOSED', verb: 'GET', path: '/', message }));
    await clock.advance(60_000);
    expect(server.watches).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  test('11. A server that ends watches at once is not stormed, and a watch that lasted resets the delay', async () => {
    const { server, clock, health } = await started(list(5));
    const attempts = () => health.flatMap((e) => (e.type === 'failed' ? [e.attempt] : []));
    for (let turn = 0; turn < 4; turn++) {
      server.watch.send('BOOKMARK', thing('', 10 + turn)).end();
      await clock.advance(3_000);
    }
    expect(attempts()).toEqual([0, 1, 2, 3]);
    await clock.advance(5_000);
    server.watch.fail(reset());
    await settle(clock);
    expect(attempts()).toEqual([0, 1, 2, 3, 0]);
  });

  test('11b. A watch that the server ends after its time is opened anew at once', async () => {
    const { server, clock, health } = await started(list(5));
    await clock.advance(300_000);
    server.watch.end();
    await settle(clock);
    expect(server.watches).toHaveLength(2);
    expect(health.filter((e) => e.type === 'failed')).toEqual([]);
  });

  test('12. A listener that throws is logged and keeps nobody from their turn', async () => {
    const errors: object[] = [];
    const logger = { child: () => logger, error: (fields: object) => errors.push(fields) };
    const parts = setup(list(5, thing('a', 1)), { logger: logger as never });
    parts.informer.onEvent(() => {
      throw new Error('a bug');
    });
    const { seen } = record(parts.informer);
    parts.informer.start();
    await settle(parts.clock);
    parts.server.watch.send('MODIFIED', thing('a', 6));
    await settle(parts.clock);
    expect(seen).toEqual(['added a@1', 'modified a@6']);
    expect(errors).toMatchObject([{ key: 'ns/a' }, { key: 'ns/a' }]);
  });

  test('13. After stop no listener is called; objects stay readable', async () => {
    const { server, clock, seen, informer } = await started(list(5, thing('a', 1)));
    server.watch.send('MODIFIED', thing('a', 6));
    await informer.stop();
    await clock.advance(60_000);
    expect(seen).toEqual(['added a@1']);
    expect(informer.get('ns/a')).toEqual(thing('a', 1));
    expect(() => informer.start()).toThrow('was stopped');
    expect(clock.pending).toBe(0);
  });

  test('a removed listener is called no more', async () => {
    const { server, clock, seen, off } = await started(list(5, thing('a', 1)));
    off();
    server.watch.send('MODIFIED', thing('a', 6));
    await settle(clock);
    expect(seen).toEqual(['added a@1']);
  });

  test('who set which field is kept only where transform keeps it', async () => {
    const managed = thing('a', 1);
    managed.metadata.managedFields = [{ manager: 'kubectl', operation: 'Update' }];
    const { informer } = await started(list(1, managed));
    expect(informer.get('ns/a')).toEqual(thing('a', 1));
    const { informer: whole } = await started(list(1, managed), { transform: (o) => o });
    expect(whole.get('ns/a')).toEqual(managed);
  });

  test('transform decides what is kept and announced', async () => {
    const { informer, server, clock } = await started(list(5, thing('a', 1, { color: 'red' })), {
      transform: ({ color: _, ...rest }) => rest,
    });
    const colors: unknown[] = [];
    informer.onEvent((e) => colors.push(e.object.color));
    server.watch.send('DELETED', thing('a', 6, { color: 'blue' }));
    await settle(clock);
    expect(colors).toEqual([undefined, undefined]);
  });
});
