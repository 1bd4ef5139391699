import type { KubeObject } from '@sluice/shared/api';
import { parseJson } from '@sluice/shared/base';
import { diffObjects, type FieldChange } from '@sluice/shared/engine';
import { describe, expect, it } from 'vitest';
import { compactObject } from '../../../src/engine/object/compact-object.ts';

const base = {
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name: 'x', labels: { app: 'x' }, resourceVersion: '1', generation: 1 },
  spec: {
    replicas: 1,
    containers: [
      { name: 'a', image: 'a:1' },
      { name: 'b', image: 'b:1' },
    ],
    args: ['x', 'y'],
    'odd.key/x': 1,
  },
  status: { ready: false },
};

type Thing = typeof base;

describe('diffObjects', () => {
  const cases: {
    name: string;
    edit: (copy: Thing) => void;
    changes: [string, FieldChange['kind']][];
  }[] = [
    { name: 'nothing', edit: () => {}, changes: [] },
    {
      name: 'what the server keeps for itself',
      edit: (o) =>
        Object.assign(o, {
          metadata: { ...o.metadata, resourceVersion: '2', generation: 2 },
          status: {},
        }),
      changes: [],
    },
    { name: 'a scalar', edit: (o) => o.spec.replicas++, changes: [['.spec.replicas', 'changed']] },
    {
      name: 'an item of a list with names',
      edit: (o) => (o.spec.containers[1]!.image = 'b:2'),
      changes: [['.spec.containers[1].image', 'changed']],
    },
    {
      name: 'the order of a list with names',
      edit: (o) => o.spec.containers.reverse(),
      changes: [],
    },
    {
      name: 'a removed item before another',
      edit: (o) => o.spec.containers.shift(),
      changes: [['.spec.containers[0]', 'removed']],
    },
    {
      name: 'an added item',
      edit: (o) => o.spec.containers.unshift({ name: 'c', image: 'c:1' }),
      changes: [['.spec.containers[0]', 'added']],
    },
    {
      name: 'an item of a plain list',
      edit: (o) => (o.spec.args[1] = 'z'),
      changes: [['.spec.args[1]', 'changed']],
    },
    {
      name: 'a key with dots',
      edit: (o) => (o.spec['odd.key/x'] = 2),
      changes: [['.spec["odd.key/x"]', 'changed']],
    },
    {
      name: 'a map that is gone',
      edit: (o) => delete (o.metadata as { labels?: object }).labels,
      changes: [['.metadata.labels', 'removed']],
    },
    { name: 'an empty map', edit: (o) => Object.assign(o.spec, { empty: {} }), changes: [] },
    {
      name: 'a value of another type',
      edit: (o) => Object.assign(o.spec, { args: 'x' }),
      changes: [['.spec.args', 'changed']],
    },
  ];
  it.each(cases)('reports $name', ({ edit, changes }) => {
    const copy = structuredClone(base);
    edit(copy);
    const expected = changes.map(([path, kind]) => ({ path, kind, masked: false }));
    expect(diffObjects(base, copy)).toEqual(expected);
  });

  it('sees the last digit of a long integer', () => {
    const thing = (spec: string) => ({ ...base, spec: parseJson(spec) }) as unknown as KubeObject;
    const changes = diffObjects(
      thing('{"n":9007199254740993,"same":9007199254740993,"list":[1,9007199254740993]}'),
      thing('{"n":9007199254740992,"same":9007199254740993,"list":[1,9007199254740995]}'),
    );
    expect(changes.map(({ path, kind }) => `${path} ${kind}`)).toEqual([
      '.spec.n changed',
      '.spec.list[1] changed',
    ]);
  });

  it('masks the values of Secrets alone', () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } };
    const from = { ...secret, type: 'Opaque', data: { password: 'MQ==' } };
    const to = { ...secret, type: 'Other', data: { password: 'Mg==' } };
    expect(diffObjects(from, to)).toEqual([
      { path: '.type', kind: 'changed', masked: false },
      { path: '.data.password', kind: 'changed', masked: true },
    ]);
  });
});

describe('compactObject', () => {
  const options = { fieldManager: 'me' };
  const compact = (object: object) => compactObject(object as KubeObject, options);

  it('keeps of all managers only the time of our changes', () => {
    const fieldsV1 = { 'f:spec': {} };
    const entry = { operation: 'Update', fieldsV1 };
    const managedFields = [
      { manager: 'me', operation: 'Apply', time: 'then', fieldsV1 },
      { ...entry, manager: 'kubectl-edit' },
      { ...entry, manager: 'hpa' },
    ];
    const { metadata } = compact({ ...base, metadata: { ...base.metadata, managedFields } });
    expect(metadata.managedFields).toEqual([{ manager: 'me', operation: 'Apply', time: 'then' }]);
  });

  it('digests values so that equal ones stay equal, and does so once', () => {
    const secret = (value: string) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'x' },
      data: { key: value },
    });
    expect(compact(secret('Y2FuYXJ5'))).toEqual(compact(secret('Y2FuYXJ5')));
    expect(compact(secret('Y2FuYXJ5'))).not.toEqual(compact(secret('b3RoZXI=')));
    expect(JSON.stringify(compact(secret('Y2FuYXJ5')))).not.toContain('Y2FuYXJ5');
    expect(compact(compact(secret('Y2FuYXJ5')))).toEqual(compact(secret('Y2FuYXJ5')));
  });

  it('leaves the object itself as it is', () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'x' },
      data: { a: 'MQ==' },
    };
    const before = structuredClone(secret);
    compact(secret);
    expect(secret).toEqual(before);
  });

  it('digests the schemas of definitions', () => {
    const crd = (type: string) => ({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'x' },
      spec: { versions: [{ name: 'v1', schema: { openAPIV3Schema: { type } } }] },
    });
    expect(diffObjects(compact(crd('object')), compact(crd('string')))).toEqual([
      { path: '.spec.versions[0].schema', kind: 'changed', masked: false },
    ]);
    expect(JSON.stringify(compact(crd('object')))).not.toContain('openAPIV3Schema');
  });
});
