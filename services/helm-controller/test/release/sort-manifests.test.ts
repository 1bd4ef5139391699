import { describe, expect, test } from 'vitest';
import { installOrder, sortByKind, uninstallOrder } from '../../src/release/kind-order.ts';
import { sortManifests } from '../../src/release/sort-manifests.ts';

function document(kind: string, name: string, annotations: Record<string, string> = {}): string {
  return `${JSON.stringify({ apiVersion: 'v1', kind, metadata: { name, annotations } })}\n`;
}

function hookWith(annotations: Record<string, string>) {
  return sortManifests(new Map([['c/templates/h.yaml', document('Job', 'h', annotations)]]));
}

test('documents come in the order of kinds, then of files, then of the file', () => {
  const files = new Map([
    ['c/templates/b.yaml', `${document('Foo', '1')}---\n${document('Service', '2')}`],
    ['c/templates/a.yaml', `${document('Service', '3')}---\n${document('Bar', '4')}`],
    ['c/charts/z/templates/x.yaml', document('Namespace', '5')],
    ['c/templates/A.yaml', document('Service', '6')],
  ]);
  const { documents } = sortManifests(files);
  const names = documents.map(({ content }) => JSON.parse(content).metadata.name);
  expect(names).toEqual(['5', '6', '3', '2', '4', '1']);
  expect(documents[0]).toMatchObject({ path: 'c/charts/z/templates/x.yaml', kind: 'Namespace' });
});

test('partials and blank files are left out; a document of comments stays', () => {
  const files = new Map([
    ['c/templates/_helpers.tpl', document('Pod', 'p')],
    ['c/templates/empty.yaml', ' \n\t\n'],
    ['c/templates/comment.yaml', '# nothing\n'],
  ]);
  expect(sortManifests(files)).toEqual({
    hooks: [],
    documents: [{ path: 'c/templates/comment.yaml', content: '# nothing\n', kind: '' }],
  });
});

test('a hook has what its annotations say', () => {
  const { hooks, documents } = hookWith({
    'helm.sh/hook': 'pre-install, Post-Upgrade,test-success',
    'helm.sh/hook-weight': '-5',
    'helm.sh/hook-delete-policy': 'Hook-Succeeded, before-hook-creation',
    'helm.sh/hook-output-log-policy': 'hook-failed',
  });
  expect(documents).toEqual([]);
  expect(hooks).toMatchObject([
    {
      name: 'h',
      kind: 'Job',
      path: 'c/templates/h.yaml',
      events: ['pre-install', 'post-upgrade', 'test'],
      weight: -5,
      delete_policies: ['hook-succeeded', 'before-hook-creation'],
      output_log_policies: ['hook-failed'],
      last_run: { phase: '' },
    },
  ]);
});

describe('a weight', () => {
  test.each([
    { text: '7', weight: 7 },
    { text: '+7', weight: 7 },
    { text: '0', weight: undefined },
    { text: ' 7', weight: undefined },
    { text: '1.5', weight: undefined },
    { text: 'high', weight: undefined },
  ])('of "$text" is $weight', ({ text, weight }) => {
    const { hooks } = hookWith({ 'helm.sh/hook': 'test', 'helm.sh/hook-weight': text });
    expect(hooks[0]?.weight).toBe(weight);
  });
});

test.each([
  { name: 'unknown', event: 'pre-install,nope' },
  { name: 'empty', event: '' },
])('a document with an event that is $name is left out', ({ event }) => {
  expect(hookWith({ 'helm.sh/hook': event })).toEqual({ hooks: [], documents: [] });
});

test('numbers and booleans in annotations are taken for text', () => {
  const text =
    'kind: Pod\nmetadata:\n  name: 5\n  annotations:\n    helm.sh/hook: test\n    helm.sh/hook-weight: 3\n    a: true\n';
  const { hooks } = sortManifests(new Map([['h.yaml', text]]));
  expect(hooks).toMatchObject([{ name: '5', weight: 3 }]);
});

test.each([
  { name: 'YAML', text: 'a: [', message: /^c\/h\.yaml:\d+: / },
  { name: 'a text', text: 'hello', message: 'c/h.yaml: the document is no object' },
  {
    name: 'a map as annotation',
    text: 'metadata: {annotations: {a: {b: c}}}',
    message: 'c/h.yaml: metadata.annotations[a] must be a string',
  },
])('a document that is $name is an error that names its file', ({ text, message }) => {
  const sort = () => sortManifests(new Map([['c/h.yaml', text]]));
  expect(sort).toThrow(message);
  expect(sort).toThrow(expect.objectContaining({ reason: 'ManifestInvalid' }));
});

test('kinds that are in no order go last, by name; equals keep their order', () => {
  const items = [
    { kind: 'Zoo', n: 1 },
    { kind: 'Ingress', n: 2 },
    { kind: 'Ant', n: 3 },
    { kind: 'Secret', n: 4 },
    { kind: 'Ant', n: 5 },
    { kind: 'Ingress', n: 6 },
  ];
  const numbers = (order: readonly string[]) => sortByKind(items, order).map(({ n }) => n);
  expect(numbers(installOrder)).toEqual([4, 2, 6, 3, 5, 1]);
  expect(numbers(uninstallOrder)).toEqual([2, 6, 4, 3, 5, 1]);
});

test('the two orders have the same kinds', () => {
  expect(installOrder.toSorted()).toEqual(uninstallOrder.toSorted());
});
