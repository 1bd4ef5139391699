import { FakeClock } from '@sluice/shared/base';
import { createInformer, type InformerOptions, type WatchMonitor } from '@sluice/shared/kube';
import { afterEach, describe, expect, test } from 'vitest';
import { gone, ScriptedServer, settle, type Thing, thing, things } from './scripted-server.ts';

const running: { stop(): Promise<void> }[] = [];
afterEach(() => Promise.all(running.splice(0).map((informer) => informer.stop())));

const list = (version: number, ...items: Thing[]) => ({ items, resourceVersion: String(version) });

function fail(): never {
  throw new Error('a bug');
}

/** Starts an informer for which the object `bad` makes something throw, or is refused. */
async function started(options: Partial<InformerOptions<Thing>>, first = list(5)) {
  const clock = new FakeClock();
  const server = new ScriptedServer(first);
  const failures: string[] = [];
  const monitor: WatchMonitor = {
    started: () => () => undefined,
    failed: ({ plural }, part) => failures.push(`${plural} ${part}`),
  };
  const informer = createInformer<Thing>({
    client: server.client,
    resource: things,
    clock,
    random: () => 0.5,
    monitor,
    ...options,
  });
  running.push(informer);
  const seen: string[] = [];
  informer.onEvent(({ type, object }) => seen.push(`${type} ${object.metadata.name}`));
  const refused: string[] = [];
  informer.onRefused((e) => refused.push(`${e.type} ${e.object.metadata.name}: ${e.problem}`));
  informer.start();
  await settle(clock);
  return { clock, server, informer, seen, refused, failures };
}

const isBad = ({ metadata }: Thing) => metadata.name === 'bad';

describe('an object that makes a part throw', () => {
  const parts: { part: string; options: Partial<InformerOptions<Thing>> }[] = [
    {
      part: 'index',
      options: { indexes: { name: (o) => (isBad(o) ? fail() : [o.metadata.name]) } },
    },
    { part: 'transform', options: { transform: (o) => (isBad(o) ? fail() : o) } },
    { part: 'check', options: { check: (o) => (isBad(o) ? fail() : undefined) } },
  ];

  test.each(parts)('14. ends nothing, is kept and announced: $part', async ({ part, options }) => {
    const first = list(5, thing('a', 1), thing('bad', 2), thing('b', 3));
    const { informer, seen, server, clock, failures } = await started(options, first);
    expect(informer.hasSynced).toBe(true);
    expect(seen).toEqual(['added a', 'added bad', 'added b']);
    expect(informer.get('ns/bad')?.metadata.resourceVersion).toBe('2');
    server.watch.send('MODIFIED', thing('bad', 6)).send('ADDED', thing('c', 7));
    server.watch.send('DELETED', thing('bad', 8));
    await settle(clock);
    expect(seen.slice(3)).toEqual(['modified bad', 'added c', 'deleted bad']);
    expect(server.listed).toBe(1);
    expect(server.watches).toHaveLength(1);
    expect(failures[0]).toBe(`things ${part}`);
  });

  test('14b. is told of when it is a listener to refused objects', async () => {
    const { informer, failures, refused } = await started(
      { check: (o) => (isBad(o) ? 'no color' : undefined) },
      list(5, thing('bad', 1), thing('a', 2)),
    );
    informer.onRefused(fail);
    expect(failures).toEqual(['things listener']);
    expect(refused).toEqual(['added bad: no color']);
  });
});

describe('an object that the check refuses', () => {
  const check = ({ color }: Thing) => (color === 'none' ? 'color is none: choose one' : undefined);
  const plain = thing('a', 1, { color: 'red' });
  const none = (version: number) => thing('a', version, { color: 'none' });

  test('15. is shown only to who asks for refused ones', async () => {
    const { informer, seen, refused } = await started(
      { check, indexes: { color: ({ color }) => [color ?? ''] } },
      list(5, none(1), thing('b', 2)),
    );
    expect(seen).toEqual(['added b']);
    expect(refused).toEqual(['added a: color is none: choose one']);
    expect(informer.get('ns/a')).toBeUndefined();
    expect(informer.list()).toHaveLength(1);
    expect(informer.byIndex('color', 'none')).toEqual([]);
    expect(informer.refused.get('ns/a')).toMatchObject({ object: none(1) });
  });

  test('15b. is deleted for the others when it becomes unusable, and added when it is corrected', async () => {
    const { seen, refused, server, clock, informer } = await started({ check }, list(5, plain));
    server.watch.send('MODIFIED', none(6)).send('MODIFIED', none(7));
    server.watch.send('MODIFIED', thing('a', 8, { color: 'blue' }));
    await settle(clock);
    expect(seen).toEqual(['added a', 'deleted a', 'added a']);
    expect(refused.map((text) => text.split(':')[0])).toEqual(['added a', 'modified a']);
    expect(informer.refused.size).toBe(0);
  });

  test('15c. is gone when it is deleted, or disappeared while no watch ran', async () => {
    const first = list(5, none(1), thing('b', 2, { color: 'none' }));
    const { refused, server, clock, informer, seen } = await started({ check }, first);
    server.watch.send('DELETED', none(6));
    await settle(clock);
    server.lists[0] = list(9);
    server.watch.fail(gone());
    await clock.advance(1000);
    expect(informer.refused.size).toBe(0);
    expect(refused.slice(2).map((text) => text.split(':')[0])).toEqual(['deleted a', 'deleted b']);
    expect(seen).toEqual([]);
  });

  test('15d. is asked about once for each generation', async () => {
    let asked = 0;
    const counting = (object: Thing) => {
      asked += 1;
      return check(object);
    };
    const versioned = (version: number, generation: number) => {
      const object = none(version);
      return { ...object, metadata: { ...object.metadata, generation } };
    };
    const { server, clock } = await started({ check: counting }, list(5, versioned(1, 1)));
    server.watch.send('MODIFIED', versioned(6, 1)).send('MODIFIED', versioned(7, 2));
    await settle(clock);
    expect(asked).toBe(2);
  });
});

describe('how far it is behind', () => {
  test('16. is told until a watch has stayed open', async () => {
    const { informer, server, clock } = await started({}, list(5, thing('a', 1)));
    expect(informer.behindMs()).toBe(0);
    for (let turn = 0; turn < 10; turn++) {
      server.watch.options.onOpen?.();
      server.watch.fail(new Error('reset'));
      await clock.advance(10_000);
    }
    expect(informer.behindMs()).toBe(100_000);
    await clock.advance(30_000);
    server.watch.options.onOpen?.();
    await clock.advance(4_999);
    expect(informer.behindMs()).toBeGreaterThan(100_000);
    await clock.advance(1);
    expect(informer.behindMs()).toBe(0);
  });

  test('16b. is not known before the first list', async () => {
    const { informer } = await started({}, new Error('refused') as never);
    expect(informer.behindMs()).toBe(Number.POSITIVE_INFINITY);
  });

  test('16c. counts a connection that is not made', async () => {
    const { informer, server, clock } = await started({}, list(5));
    server.watch.fail(new Error('reset'));
    await clock.advance(60_000);
    expect(informer.behindMs()).toBe(60_000);
  });
});
