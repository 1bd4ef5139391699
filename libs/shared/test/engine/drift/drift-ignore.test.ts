import type { KubeObject, Selector } from '@sluice/shared/api';
import { selects, stripIgnored } from '@sluice/shared/engine';
import { parseLabelSelector } from '@sluice/shared/kube';
import { describe, expect, it } from 'vitest';
import { settleIgnored } from '../../../src/engine/drift/drift-ignore.ts';
import { parsePointer, valueAt, withValue } from '../../../src/engine/object/json-pointer.ts';

const object = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'web-1',
    namespace: 'apps',
    labels: { app: 'web', tier: 'front' },
    annotations: { 'example.com/a': 'x', 'example.com/b~c': 'y' },
  },
  spec: { replicas: 2, list: ['a', 'b', 'c'] },
};

function strip(...paths: string[]) {
  return stripIgnored(object, [{ paths }]) as typeof object;
}

describe('stripIgnored', () => {
  it('removes fields and leaves the object itself as it is', () => {
    const before = structuredClone(object);
    expect(strip('/spec/replicas').spec).toEqual({ list: ['a', 'b', 'c'] });
    expect(object).toEqual(before);
  });

  it('reads escaped keys', () => {
    const { annotations } = strip(
      '/metadata/annotations/example.com~1a',
      '/metadata/annotations/example.com~1b~0c',
    ).metadata;
    expect(annotations).toEqual({});
  });

  it('removes several items of a list, whatever the order of the paths', () => {
    expect(strip('/spec/list/0', '/spec/list/2').spec.list).toEqual(['b']);
    expect(strip('/spec/list/2', '/spec/list/0').spec.list).toEqual(['b']);
  });

  it('passes over fields that are not there', () => {
    expect(strip('/spec/none/x', '/spec/list/7', '/spec/replicas/0')).toEqual(object);
  });

  it('keeps to the target', () => {
    expect(stripIgnored(object, [{ paths: ['/spec'], target: { kind: 'Service' } }])).toBe(object);
  });

  it('names a pointer that cannot be read', () => {
    expect(() => strip('spec.replicas')).toThrow(
      "JSON pointer 'spec.replicas' must start with '/'",
    );
  });
});

describe('selects', () => {
  const cases: { target: Selector; expected: boolean }[] = [
    { target: {}, expected: true },
    { target: { kind: 'Deployment', group: 'apps', version: 'v1' }, expected: true },
    { target: { kind: 'Deploy' }, expected: false },
    { target: { kind: 'Deploy.*', name: 'web-[0-9]+' }, expected: true },
    { target: { namespace: 'app' }, expected: false },
    { target: { labelSelector: 'app=web,tier in (front, back)' }, expected: true },
    { target: { labelSelector: '!app' }, expected: false },
    { target: { annotationSelector: 'example.com/a==x' }, expected: true },
    { target: { annotationSelector: 'example.com/a=z' }, expected: false },
  ];
  it.each(cases)('$target: $expected', ({ target, expected }) => {
    expect(selects(target, object)).toBe(expected);
  });

  it('names an expression that cannot be read', () => {
    expect(() => selects({ name: '(' }, object)).toThrow("regular expression '('");
  });

  it('is not slowed down by an evil expression', () => {
    const long = { ...object, metadata: { name: `${'a'.repeat(250)}!` } };
    expect(selects({ name: '(a+)+' }, long)).toBe(false);
  });
});

describe('label selectors', () => {
  const labels = { app: 'web', 'example.com/x': '' };
  it.each([
    ['', true],
    ['app', true],
    ['!app', false],
    ['! other', true],
    ['app=web', true],
    ['app = web', true],
    ['app==web', true],
    ['app!=web', false],
    ['other!=web', true],
    ['app in (a,web)', true],
    ['app notin (a, web)', false],
    ['other notin (a)', true],
    ['example.com/x=', true],
    ['app=web, example.com/x', true],
    ['app=web,missing', false],
  ])("'%s' of app=web: %s", (selector, expected) => {
    expect(parseLabelSelector(selector)(labels)).toBe(expected);
  });

  it.each(['=x', 'app in web', 'app=web;x', 'app in (a'])("'%s' is refused", (selector) => {
    expect(() => parseLabelSelector(selector)).toThrow('cannot be read');
  });
});

describe('what is applied over exempted fields', () => {
  const rules = [{ paths: ['/spec/replicas', '/spec/extra'] }];
  const live = (managers: object[]) =>
    ({
      ...object,
      metadata: { ...object.metadata, managedFields: managers },
      spec: { ...object.spec, replicas: 7 },
    }) as KubeObject;
  const fields = { 'f:spec': { 'f:replicas': {} } };

  it('is the present value of a field that nobody else has applied', () => {
    const updated = [{ manager: 'hpa', operation: 'Update', fieldsV1: fields }];
    const settled = settleIgnored(object, live(updated), { rules, fieldManager: 'me' });
    expect(settled).toEqual({ ...object, spec: { ...object.spec, replicas: 7 } });
  });

  it('leaves out a field that another manager has applied', () => {
    const applied = [{ manager: 'hpa', operation: 'Apply', fieldsV1: fields }];
    const settled = settleIgnored(object, live(applied), { rules, fieldManager: 'me' });
    expect(settled).toEqual({ ...object, spec: { list: object.spec.list } });
  });
});

describe('JSON pointers', () => {
  it('are found and replaced', () => {
    expect(parsePointer('')).toEqual([]);
    expect(valueAt(object, ['spec', 'list', '1'])).toBe('b');
    expect(valueAt(object, ['spec', 'list', '01'])).toBeUndefined();
    expect(valueAt(object, ['constructor'])).toBeUndefined();
    expect(withValue({ a: [1] }, ['a', '0'], 2)).toEqual({ a: [2] });
    expect(withValue({ a: [1] }, ['a', '1'], 2)).toEqual({ a: [1] });
    expect(withValue({ a: [1] }, ['b', 'c'], 2)).toEqual({ a: [1] });
  });
});
