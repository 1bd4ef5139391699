import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DependencyIndex } from '../../src/runtime/dependency-index.ts';

describe('DependencyIndex', () => {
  it('knows who depends on a key, known or not', () => {
    const index = new DependencyIndex();
    index.set('b', ['a']);
    index.set('c', ['a', 'b']);
    expect(index.dependantsOf('a')).toEqual(['b', 'c']);
    expect(index.dependantsOf('c')).toEqual([]);
  });

  it('forgets what a key depended on before', () => {
    const index = new DependencyIndex();
    index.set('c', ['a', 'b']);
    index.set('c', ['b']);
    expect(index.dependantsOf('a')).toEqual([]);
    index.delete('c');
    expect(index.dependantsOf('b')).toEqual([]);
  });

  it('remembers who depends on a deleted key', () => {
    const index = new DependencyIndex();
    index.set('b', ['a']);
    index.set('a', ['x']);
    index.delete('a');
    expect(index.dependantsOf('a')).toEqual(['b']);
  });

  it.each([
    { name: 'none', edges: { a: ['b'], b: ['c'] }, cycle: undefined },
    { name: 'itself', edges: { a: ['a'] }, cycle: ['a', 'a'] },
    { name: 'two', edges: { a: ['b'], b: ['a'] }, cycle: ['a', 'b', 'a'] },
    { name: 'three', edges: { a: ['x', 'b'], b: ['c'], c: ['a'] }, cycle: ['a', 'b', 'c', 'a'] },
    { name: 'not through it', edges: { a: ['b'], b: ['c'], c: ['b'] }, cycle: undefined },
  ] as { name: string; edges: Record<string, string[]>; cycle?: string[] }[])(
    'finds a cycle: $name',
    ({ edges, cycle }) => {
      const index = new DependencyIndex();
      for (const [key, dependsOn] of Object.entries(edges)) index.set(key, dependsOn);
      expect(index.cycleOf('a')).toEqual(cycle);
    },
  );

  it('finds only cycles that are there, and one whenever there is one', () => {
    const node = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const graph = fc.dictionary(node, fc.uniqueArray(node));
    fc.assert(
      fc.property(graph, (edges) => {
        const index = new DependencyIndex();
        for (const [key, dependsOn] of Object.entries(edges)) index.set(key, dependsOn);
        const cycle = index.cycleOf('a');
        const reaches = (from: string, seen = new Set<string>()): boolean =>
          (edges[from] ?? []).some(
            (to) => to === 'a' || (!seen.has(to) && reaches(to, seen.add(to))),
          );
        expect(cycle !== undefined).toBe(reaches('a'));
        for (let i = 1; i < (cycle?.length ?? 0); i += 1) {
          expect(edges[cycle![i - 1]!]).toContain(cycle![i]);
        }
        if (cycle) expect([cycle[0], cycle.at(-1)]).toEqual(['a', 'a']);
      }),
    );
  });
});
