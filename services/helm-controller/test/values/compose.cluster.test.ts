import type { Artifact, HelmRelease, KubeObject } from '@sluice/shared/api';
import { ArtifactCache } from '@sluice/shared/artifact';
import { parseJson, SecretMasker, silentLogger, WaitingError } from '@sluice/shared/base';
import { coreResources, type KubeClient } from '@sluice/shared/kube';
import { localDispatcher, testCluster, testNamespace } from '@sluice/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { rawArchive } from '../../../../libs/shared/test/artifact/tar-builder.ts';
import type { Values } from '../../src/release/release.ts';
import { composeValues } from '../../src/values/compose.ts';
import { valuesDigest } from '../../src/values/digest.ts';
import type { ValuesSource } from '../../src/values/referenced.ts';
import { chartWorld } from '../chart/charts.ts';
import { directory } from './helm.ts';

type Spec = Pick<HelmRelease['spec'], 'values' | 'valuesFrom'>;

let client: KubeClient;
let namespace: string;
beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'values');
  const data: Record<string, string> = {
    'values.yaml': 'flat: map\nnested: {a: map, b: map, list: [1, 2]}\n',
    over: 'nested: {b: over, c: null}\nflat: {now: nested}\n',
    number: '1000000',
    great: '9007199254740993',
    integers: 'file: 9007199254740993\nmost: [9223372036854775807]\ninline: {deep: 1}\n',
    quoted: '"1000000"',
    text: 'a: [b, "c"]\n{d}=e\\f',
    list: '{a,b}',
    broken: 'a: [1\nb: 2',
    scalar: 'just text',
    sequence: '- a',
    empty: '',
    comment: '# nothing\n',
    commas: 'one,two',
    bomb: 'x,y[65536]=1',
    twice: 'a: 1\na: 2\n',
    words: 'a: yes\nb: 0777\nc: 2024-01-02\nd: 1_000\n1: x\n__proto__: {p: 1}\n',
    aliases: `a0: &a0 [x]\n${Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(10).fill(`*a${n}`).join(',')}]`).join('\n')}`,
    shared: 'a: &x {b: 1}\nc: *x\n',
  };
  const metadata = { name: 'config', namespace };
  await client.create<KubeObject & { data: typeof data }>(coreResources.configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata,
    data,
  });
  const secret = {
    ...data,
    'values.yaml': 'password: hunter2\nport: 8443\nkey: |\n  first line\n  x\n',
  };
  await client.create(coreResources.secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata,
    stringData: { ...secret, commas: 'canary-one,canary-two', broken: 'canary: [1\nb: 2' },
  } as KubeObject);
});

interface World {
  masker: SecretMasker;
  sources: Map<string, Artifact>;
  asked: ValuesSource[];
}

async function compose(spec: Spec, world: Partial<World> = {}) {
  const { masker = new SecretMasker(), sources = new Map(), asked = [] } = world;
  const object = {
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    metadata: { name: 'app', namespace },
    spec: { interval: '1m', ...spec },
  } as HelmRelease;
  const artifactOf = async (source: ValuesSource) => {
    asked.push(source);
    const artifact = sources.get(source.name);
    if (artifact === undefined && !source.optional) throw new WaitingError('SourceNotReady', 'no');
    return artifact;
  };
  const artifacts = new ArtifactCache({
    dir: await directory(),
    maxBytes: 1_000_000,
    httpRetries: 0,
    logger: silentLogger,
    dispatcher: localDispatcher(),
  });
  const { signal } = new AbortController();
  return composeValues({ object, client, artifacts, artifactOf, masker, signal });
}

const config = (valuesKey?: string, more: object = {}) =>
  ({ kind: 'ConfigMap', name: 'config', valuesKey, ...more }) as const;

describe('composeValues', () => {
  test.each<{ name: string; spec: Spec; expected: Values }>([
    { name: 'nothing at all', spec: {}, expected: {} },
    { name: 'inline values', spec: { values: { a: null } }, expected: { a: null } },
    {
      name: 'later references over earlier ones, inline values over all',
      spec: { valuesFrom: [config(), config('over')], values: { nested: { a: 'inline' } } },
      expected: {
        flat: { now: 'nested' },
        nested: { a: 'inline', b: 'over', c: null, list: [1, 2] },
      },
    },
    {
      name: 'what is optional and not there',
      spec: {
        valuesFrom: [
          { kind: 'Secret', name: 'absent', optional: true },
          config('absent', { optional: true }),
          { kind: 'Secret', name: 'absent', optional: true, targetPath: 'a' },
        ],
        values: { a: 1 },
      },
      expected: { a: 1 },
    },
    {
      name: 'empty documents',
      spec: { valuesFrom: [config('empty'), config('comment')] },
      expected: {},
    },
    {
      name: 'the scalars of YAML 1.1',
      spec: { valuesFrom: [config('words'), config('twice')] },
      expected: JSON.parse(
        '{"a":2,"b":511,"c":"2024-01-02","d":1000,"1":"x","__proto__":{"p":1}}',
      ) as Values,
    },
    {
      name: 'one value at a path',
      spec: { valuesFrom: [config('text', { targetPath: 'a.b\\.c[1]', literal: true })] },
      expected: { a: { 'b.c': [null, 'a: [b, "c"]\n{d}=e\\f'] } },
    },
    {
      name: 'values in the syntax of --set',
      spec: {
        valuesFrom: [
          config('list', { targetPath: 'list' }),
          config('quoted', { targetPath: 'text' }),
          config('empty', { targetPath: 'empty' }),
        ],
      },
      expected: { list: ['a', 'b'], text: '1000000', empty: '' },
    },
    {
      name: 'a path into an inline map or list, which stays above',
      spec: {
        valuesFrom: [
          config('number', { targetPath: 'only.a' }),
          config('quoted', { targetPath: 'list[0]' }),
        ],
        values: { only: { a: 'inline' }, list: ['inline', 'x'] },
      },
      expected: { only: { a: 1000000 }, list: ['1000000', 'x'] },
    },
    {
      name: 'inline values over a path, where they share a map with a reference, or are at the top',
      spec: {
        valuesFrom: [
          config(),
          config('quoted', { targetPath: 'nested.a' }),
          config('quoted', { targetPath: 'top' }),
        ],
        values: { nested: { a: 'inline' }, top: 'inline' },
      },
      expected: {
        flat: 'map',
        nested: { a: 'inline', b: 'map', list: [1, 2] },
        top: 'inline',
      },
    },
    {
      name: 'aliases as copies',
      spec: { valuesFrom: [config('shared'), config('quoted', { targetPath: 'a.b' })] },
      expected: { a: { b: '1000000' }, c: { b: 1 } },
    },
  ])('gives $name', async ({ spec, expected }) => {
    const before = JSON.stringify(spec);
    const { values } = await compose(spec);
    expect(values).toEqual(expected);
    expect(JSON.stringify(spec)).toBe(before);
  });

  test('tells which numbers are integers for templates, and which of them are secret', async () => {
    const { values, integers } = await compose({
      valuesFrom: [
        config('number', { targetPath: 'a.b' }),
        { kind: 'Secret', name: 'config', valuesKey: 'great', targetPath: 'c[0]' },
        config('number', { targetPath: 'gone' }),
      ],
      values: { gone: 'inline', plain: 5 },
    });
    const text = '{"a":{"b":1000000},"c":[9007199254740993],"gone":"inline","plain":5}';
    expect(values).toEqual(parseJson(text));
    expect(integers).toEqual([
      { path: 'a.b', value: '1000000' },
      { path: 'c[0]', value: '9007199254740993' },
    ]);
  });

  test('keeps the digits of integers from everywhere', async () => {
    const { values } = await compose({
      valuesFrom: [
        config('integers'),
        { kind: 'Secret', name: 'config', valuesKey: 'great', targetPath: 'target' },
      ],
      values: parseJson('{"inline":{"deep":-9007199254740993}}') as Values,
    });
    expect(values).toEqual(
      parseJson(
        '{"file":9007199254740993,"most":[9223372036854775807],"inline":{"deep":-9007199254740993},"target":9007199254740993}',
      ),
    );
    expect(valuesDigest(values)).not.toBe(valuesDigest({ ...values, file: 2 ** 53 }));
  });

  test('masks what Secrets hold', async () => {
    const masker = new SecretMasker();
    const secret = { kind: 'Secret', name: 'config' } as const;
    const { values } = await compose(
      { valuesFrom: [secret, { ...secret, valuesKey: 'commas', targetPath: 'x', literal: true }] },
      { masker },
    );
    expect(values).toMatchObject({ password: 'hunter2', x: 'canary-one,canary-two' });
    const text = 'hunter2 8443 "first line" canary-one,canary-two aHVudGVyMg==';
    expect(masker.mask(text)).toBe('***** ***** "*****" ***** *****');
  });

  const secret = { kind: 'Secret', name: 'config' } as const;
  test.each<{ name: string; valuesFrom: Spec['valuesFrom']; message: RegExp }>([
    {
      name: 'a missing object',
      valuesFrom: [config(), { kind: 'Secret', name: 'absent' }],
      message: /^spec\.valuesFrom\[1\]: Secret '.*\/absent' does not exist: create it/,
    },
    {
      name: 'an object that is optional only the first time',
      valuesFrom: [
        { kind: 'Secret', name: 'absent', optional: true },
        { kind: 'Secret', name: 'absent' },
      ],
      message: /^spec\.valuesFrom\[1\]: Secret '.*\/absent' does not exist/,
    },
    {
      name: 'a missing key',
      valuesFrom: [config('absent')],
      message: /^spec\.valuesFrom\[0\]: ConfigMap '.*\/config' has no key 'absent': add it/,
    },
    { name: 'an inherited key', valuesFrom: [config('constructor')], message: /has no key/ },
    {
      name: 'broken YAML',
      valuesFrom: [config('broken')],
      message: /key 'broken' is not valid YAML in line 2 \(.+\): correct it/,
    },
    {
      name: 'broken YAML in a Secret',
      valuesFrom: [{ ...secret, valuesKey: 'broken' }],
      message: /key 'broken' is not valid YAML in line 2: correct it$/,
    },
    {
      name: 'a scalar',
      valuesFrom: [config('scalar')],
      message: /does not hold a map.*targetPath/,
    },
    { name: 'a list', valuesFrom: [config('sequence')], message: /does not hold a map/ },
    { name: 'a bomb of aliases', valuesFrom: [config('aliases')], message: /is not valid YAML/ },
    {
      name: 'commas in a value',
      valuesFrom: [config('commas', { targetPath: 'a' })],
      message: /cannot be put at targetPath 'a': key "two" has no value; .*literal: true/,
    },
    {
      name: 'commas in a Secret',
      valuesFrom: [{ ...secret, valuesKey: 'commas', targetPath: 'a' }],
      message: /cannot be put at targetPath 'a': path and content are not in the syntax/,
    },
    {
      name: 'a great index',
      valuesFrom: [config('number', { targetPath: 'a[99999]' })],
      message: /index 99999 must be between 0 and 65536/,
    },
    {
      name: 'great lists by several references',
      valuesFrom: Array.from({ length: 5 }, (_, n) =>
        config('number', { targetPath: `l${n}[65535]` }),
      ),
      message: /^spec\.valuesFrom\[4\].*add more than/,
    },
    {
      name: 'a path through a scalar',
      valuesFrom: [config(), config('number', { targetPath: 'flat.x' })],
      message: /"flat" is there already, and not a map/,
    },
  ])('refuses $name', async ({ valuesFrom, message }) => {
    const error = await compose({ valuesFrom }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: 'retryable', reason: 'ValuesError' });
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain('canary');
  });

  test.each<{ name: string; values: unknown; message: RegExp }>([
    { name: 'a text', values: 'x', message: /spec\.values must be a map/ },
    { name: 'a list', values: [], message: /spec\.values must be a map/ },
    {
      name: 'values that nest deeply',
      values: JSON.parse(`${'{"a":'.repeat(9000)}1${'}'.repeat(9000)}`),
      message: /nests deeper than 500 levels/,
    },
  ])('stalls on $name as spec.values', async ({ values, message }) => {
    await expect(compose({ values })).rejects.toMatchObject({
      kind: 'stalled',
      reason: 'ValuesError',
      message: expect.stringMatching(message),
    });
  });
});

describe('values from the artifact of a source', () => {
  const file = (path: string, more: object = {}) =>
    ({ kind: 'GitRepository', name: 'repo', path, ...more }) as const;
  const serve = async () => {
    const world = await chartWorld();
    const artifact = world.serve(
      rawArchive([
        { path: 'env/prod/values.yaml', content: 'a: file\nb: file\n' },
        { path: 'big.yaml', content: `a: ${'x'.repeat(2 ** 20)}\n` },
      ]),
      'main@sha1:1',
    );
    return new Map([['repo', artifact]]);
  };

  test('are merged in their place', async () => {
    const asked: ValuesSource[] = [];
    const valuesFrom = [
      config('over'),
      file('./env/prod/values.yaml', { namespace: 'apps' }),
      file('absent.yaml', { optional: true }),
      file('a.yaml', { name: 'absent', optional: true }),
    ];
    const { values } = await compose(
      { valuesFrom, values: { b: 'inline' } },
      { sources: await serve(), asked },
    );
    expect(values).toMatchObject({ a: 'file', b: 'inline', nested: { b: 'over' } });
    expect(asked[0]).toEqual({
      kind: 'GitRepository',
      name: 'repo',
      namespace: 'apps',
      field: 'spec.valuesFrom[1]',
      optional: false,
    });
    expect(asked[1]?.namespace).toBe(namespace);
  });

  test.each([
    { path: '../../etc/passwd', message: /is no path in the artifact/ },
    { path: '/etc/passwd', message: /is no path in the artifact/ },
    { path: 'env/../../x', message: /is no path in the artifact/ },
    { path: 'absent.yaml', message: /does not exist in revision 'main@sha1:1': correct path/ },
    { path: 'env/prod/values.yaml/x', message: /is not a regular file/ },
    { path: 'env/prod', message: /is not a regular file/ },
    { path: 'big.yaml', message: /has 1048580 bytes: a values file may have at most 1048576/ },
  ])('refuses the path $path', async ({ path, message }) => {
    const asking = compose({ valuesFrom: [file(path)] }, { sources: await serve() });
    await expect(asking).rejects.toMatchObject({
      kind: 'retryable',
      reason: 'ValuesError',
      message: expect.stringMatching(message),
    });
  });

  test('wait for a source that is not there', async () => {
    const asking = compose({ valuesFrom: [file('a.yaml')] });
    await expect(asking).rejects.toMatchObject({ kind: 'waiting' });
  });
});
