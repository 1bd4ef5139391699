import { type ArtifactGenerator, artifactGeneratorKind } from '@sluice/shared/api';
import { StalledError, WaitingError } from '@sluice/shared/base';
import { describe, expect, test } from 'vitest';
import { checkSpec } from '../../src/artifact-generator/check-spec.ts';
import { GeneratorGraph } from '../../src/artifact-generator/graph.ts';

type Spec = ArtifactGenerator['spec'];
const copy = [{ from: '@repo/**', to: '@artifact/' }];

function generator(name: string, spec: Partial<Spec>): ArtifactGenerator {
  return {
    apiVersion: `${artifactGeneratorKind.group}/v1beta1`,
    kind: 'ArtifactGenerator',
    metadata: { name, namespace: 'apps' },
    spec: {
      sources: [{ alias: 'repo', kind: 'GitRepository', name: 'repo' }],
      artifacts: [{ name: 'out', copy }],
      ...spec,
    },
  };
}

function check(
  object: ArtifactGenerator,
  noCrossNamespaceRefs = false,
  graph = new GeneratorGraph(),
) {
  graph.set(object);
  return () => checkSpec(object, { graph, noCrossNamespaceRefs });
}

const repo = { alias: 'repo', kind: 'GitRepository', name: 'repo' } as const;
const from = (name: string) => ({ alias: name, kind: 'ExternalArtifact', name }) as const;
const makes = (name: string) => [{ name, copy }];

describe('checkSpec', () => {
  test.each<{ spec: Partial<Spec>; problem: string }>([
    { spec: { sources: [repo, repo] }, problem: "spec.sources[1].alias 'repo' is there twice" },
    { spec: { artifacts: [...makes('a'), ...makes('a')] }, problem: "spec.artifacts[1].name 'a'" },
    { spec: { artifacts: makes('A_b') }, problem: "'A_b' cannot be the name of an object" },
    { spec: { artifacts: [{ name: 'a', revision: '@x', copy }] }, problem: "the alias 'x'" },
    { spec: { artifacts: [{ name: 'a', originRevision: '@x', copy }] }, problem: "the alias 'x'" },
    { spec: { pathPattern: '@x/{a}' }, problem: "spec.pathPattern names the alias 'x'" },
  ])('stalls: $problem', ({ spec, problem }) => {
    expect(check(generator('g', spec))).toThrow(StalledError);
    expect(check(generator('g', spec))).toThrow(problem);
  });

  test('a source of another namespace is allowed unless told', () => {
    const object = generator('g', { sources: [{ ...repo, namespace: 'other' }] });
    expect(check(object)).not.toThrow();
    expect(check(object, true)).toThrow("'GitRepository/other/repo' of spec.sources[0]");
    expect(
      check(generator('g', { sources: [{ ...repo, namespace: 'apps' }] }), true),
    ).not.toThrow();
  });
});

describe('what would grow for ever', () => {
  test('is an output that is a source', () => {
    const object = generator('g', { sources: [repo, from('out')] });
    expect(check(object)).toThrow(WaitingError);
    expect(check(object)).toThrow(
      'ArtifactGenerator/apps/g → ExternalArtifact/apps/out → ArtifactGenerator/apps/g',
    );
  });

  test('is an output of another that is made of the own, until one of them changes', () => {
    const graph = new GeneratorGraph();
    const second = generator('second', { sources: [from('a')], artifacts: makes('b') });
    graph.set(second);
    const first = generator('first', { sources: [from('b')], artifacts: makes('a') });
    expect(check(first, false, graph)).toThrow(WaitingError);
    graph.set(generator('second', { sources: [repo], artifacts: makes('b') }));
    expect(check(first, false, graph)).not.toThrow();
  });

  test('is what a pattern was found to make', () => {
    const object = generator('g', { sources: [repo, from('shop')], pathPattern: '@repo/{app}' });
    expect(check(object)).not.toThrow();
    const entry = { name: 'shop', namespace: 'apps', digest: '', filename: '' };
    expect(check({ ...object, status: { inventory: [entry] } })).toThrow(WaitingError);
  });

  test('is no chain', () => {
    const graph = new GeneratorGraph();
    graph.set(generator('first', { artifacts: makes('a') }));
    const second = generator('second', { sources: [from('a')], artifacts: makes('b') });
    expect(check(second, false, graph)).not.toThrow();
    expect(graph.usersOf('ExternalArtifact/apps/a')).toEqual(['apps/second']);
  });
});
