import type { KubeObject } from '@sluice/shared/api';
import {
  describeChanges,
  isUnchanged,
  type ReleaseState,
  releaseChanges,
  summarizeChanges,
} from '@sluice/shared/engine';
import { describe, expect, it } from 'vitest';
import { configMap, deployment, secret } from '../engine-objects.ts';

const web = (image: string): KubeObject => deployment('apps', 'web', image);

function labelled(object: KubeObject, chart: string): KubeObject {
  const labels = { 'helm.sh/chart': chart, 'app.kubernetes.io/version': chart };
  return { ...object, metadata: { ...object.metadata, labels } };
}

function withContainers(...names: string[]): KubeObject {
  const object = deployment('apps', 'web');
  const containers = names.map((name) => ({ name, image: `${name}:1` }));
  return { ...object, spec: { template: { spec: { containers } } } } as KubeObject;
}

const state = (objects: KubeObject[], rest: Omit<ReleaseState, 'objects'> = {}): ReleaseState => ({
  objects,
  ...rest,
});

describe('releaseChanges', () => {
  it('finds nothing between equal states', () => {
    const same = () =>
      state([web('app:1')], {
        values: { a: { b: [1] } },
        chart: { name: 'web', version: '1.0.0' },
      });
    const changes = releaseChanges(same(), same());
    expect(isUnchanged(changes)).toBe(true);
    expect([describeChanges(changes), summarizeChanges(changes)]).toEqual(['', '']);
  });

  const charts: {
    name: string;
    from?: object;
    to?: object;
    chart?: object;
    appVersion?: object;
  }[] = [
    {
      name: 'another version',
      from: { name: 'web', version: '1.0.0', appVersion: '1' },
      to: { name: 'web', version: '1.1.0', appVersion: '2' },
      chart: { from: '1.0.0', to: '1.1.0' },
      appVersion: { from: '1', to: '2' },
    },
    {
      name: 'another chart of the same version',
      from: { name: 'web', version: '1.0.0' },
      to: { name: 'shop', version: '1.0.0' },
      chart: { from: 'web 1.0.0', to: 'shop 1.0.0' },
    },
    {
      name: 'no app version any more',
      from: { name: 'web', version: '1.0.0', appVersion: '1' },
      to: { name: 'web', version: '1.0.0' },
      appVersion: { from: '1' },
    },
    { name: 'the first chart', to: { name: 'web', version: '1.0.0' }, chart: { to: '1.0.0' } },
  ];
  it.each(charts)('tells the chart: $name', ({ from, to, chart, appVersion }) => {
    const changes = releaseChanges(state([], { chart: from }), state([], { chart: to }));
    expect([changes.chart, changes.appVersion]).toEqual([chart, appVersion]);
  });

  it('names the paths of values and never a value', () => {
    const from = { image: { tag: 'canary-1' }, users: [{ name: 'canary-a', p: 1 }], gone: 1 };
    const to = { image: { tag: 'canary-2' }, users: [{ name: 'canary-a', p: 2 }], came: { a: 1 } };
    const changes = releaseChanges(state([], { values: from }), state([], { values: to }));
    expect(changes.values.map(({ path, kind }) => `${path} ${kind}`)).toEqual([
      'image.tag changed',
      'users[0].p changed',
      'gone removed',
      'came added',
    ]);
    expect(JSON.stringify(changes) + describeChanges(changes)).not.toContain('canary');
  });

  it('tells deleted, created and changed objects, in this order', () => {
    const from = [configMap('apps', 'same'), web('app:1'), configMap('apps', 'gone')];
    const to = [web('app:2'), configMap('apps', 'same'), configMap('apps', 'came')];
    const { objects, counts } = releaseChanges(state(from), state(to));
    expect(objects.map(({ id, action }) => `${id.name} ${action}`)).toEqual([
      'gone deleted',
      'came created',
      'web changed',
    ]);
    expect(counts).toMatchObject({ created: 1, changed: 1, deleted: 1 });
  });

  it('says deleted only of what is gone', () => {
    const from = ['gone', 'held', 'stays'].map((name) => configMap('apps', name));
    const fates = { held: 'deletion requested', stays: 'kept' } as const;
    const fateOf = ({ name }: { name: string }) => fates[name as keyof typeof fates] ?? 'deleted';
    const changes = releaseChanges(state(from), state([]), fateOf);
    expect(describeChanges(changes).split('\n')).toEqual([
      'ConfigMap/apps/gone deleted',
      'ConfigMap/apps/held deletion requested',
      'ConfigMap/apps/stays kept',
    ]);
    expect(summarizeChanges(changes)).toBe('1 deleted, 1 deletion requested, 1 kept');
  });

  it('names items of lists by what tells them apart', () => {
    const from = state([withContainers('a', 'b')]);
    const { objects } = releaseChanges(from, state([withContainers('b', 'odd ]')]));
    expect(objects[0]?.fields).toEqual([
      { path: 'spec.template.spec.containers[name=a]', kind: 'removed', masked: false },
      { path: 'spec.template.spec.containers[name="odd ]"]', kind: 'added', masked: false },
    ]);
  });

  it('counts an object at another version of its API as changed', () => {
    const to = { ...web('app:1'), apiVersion: 'apps/v2' };
    const { objects } = releaseChanges(state([web('app:1')]), state([to]));
    expect(objects).toMatchObject([{ action: 'changed', fields: [{ path: 'apiVersion' }] }]);
  });

  it('masks the values of Secrets', () => {
    const [from, to] = ['canary-1', 'canary-2'].map((a) => state([secret('apps', 'keys', { a })]));
    const changes = releaseChanges(from as ReleaseState, to as ReleaseState);
    expect(changes.objects[0]?.fields).toEqual([
      { path: 'stringData.a', kind: 'changed', masked: true },
    ]);
    expect(describeChanges(changes)).toBe('Secret/apps/keys: stringData.a (secret)');
  });

  it('is bounded', () => {
    const many = (value: string) =>
      Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`k${index}`, value]));
    const maps = (value: string) =>
      Array.from({ length: 500 }, (_, index) => configMap('apps', `m${index}`, { a: value }));
    const of = (value: string) =>
      state(
        [configMap('apps', 'big', { ...many(value), [value.repeat(9_999)]: '' }), ...maps(value)],
        {
          values: many(value),
        },
      );
    const changes = releaseChanges(of('1'), of('2'));
    expect(JSON.stringify(changes).length).toBeLessThan(20_000);
    expect([changes.moreValues, changes.objects[0]?.moreFields]).toEqual([4_950, 4_982]);
    expect(describeChanges(changes).length).toBeLessThanOrEqual(900);
    expect(describeChanges(changes, 30)).toBe('values: k0, k1, k2, k3, k4,...');
  });
});

describe('describeChanges', () => {
  const from = state(
    [
      labelled(web('app:1'), '1'),
      labelled(configMap('apps', 'a'), '1'),
      labelled(configMap('apps', 'b'), '1'),
    ],
    { chart: { name: 'web', version: '1.0.0', appVersion: '1' }, values: { image: { tag: '1' } } },
  );
  const to = state(
    [
      labelled(web('app:2'), '2'),
      labelled(configMap('apps', 'a'), '2'),
      labelled(configMap('apps', 'b'), '2'),
      configMap('apps', 'c'),
    ],
    {
      chart: { name: 'web', version: '1.1.0', appVersion: '2' },
      values: { image: { tag: '2' }, replicas: 2 },
    },
  );

  it('has a line for chart, values and each object, and one for mere version labels', () => {
    expect(describeChanges(releaseChanges(from, to)).split('\n')).toEqual([
      'chart 1.0.0 to 1.1.0',
      'app version 1 to 2',
      'values: image.tag, replicas (added)',
      'ConfigMap/apps/c created',
      'Deployment/apps/web: spec.template.spec.containers[name=app].image',
      'only version labels of 2 objects',
    ]);
  });

  it('counts what does not fit', () => {
    expect(describeChanges(releaseChanges(from, to), 170).split('\n').slice(3)).toEqual([
      'ConfigMap/apps/c created',
      'and 1 object more',
      'only version labels of 2 objects',
    ]);
  });

  it('fits in one line', () => {
    expect(summarizeChanges(releaseChanges(from, to))).toBe(
      'chart 1.0.0 to 1.1.0; app version 1 to 2; values image.tag, replicas; 1 created, 3 changed',
    );
  });
});
