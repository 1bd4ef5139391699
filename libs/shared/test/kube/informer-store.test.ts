import { IndexedStore } from '@sluice/shared/kube';
import { describe, expect, test } from 'vitest';
import { type Thing, thing } from './scripted-server.ts';

const colors = (o: Thing) => o.color?.split(',') ?? [];
const names = (objects: Thing[]) => objects.map((o) => o.metadata.name);

describe('indexed store', () => {
  test('an index follows the objects through additions, changes and deletions', () => {
    const store = new IndexedStore<Thing>({ color: colors });
    store.set(thing('a', 1, { color: 'red,blue' }));
    store.set(thing('b', 2, { color: 'blue' }));
    expect(names(store.byIndex('color', 'blue'))).toEqual(['a', 'b']);
    store.set(thing('a', 3, { color: 'green' }));
    expect(names(store.byIndex('color', 'blue'))).toEqual(['b']);
    expect(names(store.byIndex('color', 'green'))).toEqual(['a']);
    store.delete('ns/b');
    expect(store.byIndex('color', 'blue')).toEqual([]);
    expect(names(store.list())).toEqual(['a']);
  });

  test('an unknown index is a mistake, an unknown value is not', () => {
    const store = new IndexedStore<Thing>({ color: colors });
    expect(store.byIndex('color', 'black')).toEqual([]);
    expect(() => store.byIndex('size', 'big')).toThrow('no index size: there are color');
  });

  test('an object for which an index function throws is kept without values in that index', () => {
    const failures: string[] = [];
    const store = new IndexedStore<Thing>(
      {
        color: (o) => {
          if (o.color === 'bad') throw new Error('a bug');
          return colors(o);
        },
        name: (o) => [o.metadata.name],
      },
      (error, o) => failures.push(`${o.metadata.name}: ${(error as Error).message}`),
    );
    store.set(thing('a', 1, { color: 'red' }));
    store.set(thing('a', 2, { color: 'bad' }));
    expect(store.get('ns/a')).toEqual(thing('a', 2, { color: 'bad' }));
    expect(store.byIndex('color', 'red')).toEqual([]);
    expect(names(store.byIndex('name', 'a'))).toEqual(['a']);
    store.set(thing('a', 3, { color: 'blue' }));
    expect(names(store.byIndex('color', 'blue'))).toEqual(['a']);
    store.delete('ns/a');
    expect(store.byIndex('name', 'a')).toEqual([]);
    expect(failures).toEqual(['a: a bug']);
  });
});
