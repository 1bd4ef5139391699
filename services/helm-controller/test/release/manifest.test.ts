import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  documentsOf,
  isKept,
  objectsOf,
  splitManifests,
  writeManifest,
} from '../../src/release/manifest.ts';

describe('a text is split as Helm splits it', () => {
  test.each([
    { name: 'nothing', text: ' \n\t\n', documents: [] },
    { name: 'one document', text: 'a: 1\n', documents: ['a: 1\n'] },
    { name: 'a leading separator', text: '\n\n---\na: 1\n', documents: ['a: 1\n'] },
    { name: 'blank documents', text: '---\n---\n \n---\na: 1', documents: ['a: 1'] },
    { name: 'CRLF', text: 'a: 1\r\n---\r\nb: 2\r\n', documents: ['a: 1\r\n', 'b: 2\r\n'] },
    { name: 'blanks after it', text: 'a: 1\n--- \t\nb: 2', documents: ['a: 1\n', 'b: 2'] },
    { name: 'a comment after it', text: '--- # x\na: 1', documents: ['# x\na: 1'] },
    { name: 'text right after it', text: '---a: 1\n', documents: ['a: 1\n'] },
    {
      name: 'one that is indented, in a block',
      text: 'a: |\n  ---\n  x\n',
      documents: ['a: |\n  ---\n  x\n'],
    },
    {
      name: 'a certificate in the first column',
      text: '-----BEGIN X-----\n',
      documents: ['--BEGIN X-----\n'],
    },
    {
      name: 'a line separator of Unicode, which ends no line',
      text: 'a: "\u2028---"\n',
      documents: ['a: "\u2028---"\n'],
    },
  ])('$name', ({ text, documents }) => {
    expect(splitManifests(text)).toEqual(documents);
  });
});

test('documents that were written are read back with their path', () => {
  const path = fc.stringMatching(/^[a-z/]{1,20}\.yaml$/);
  const content = fc.stringMatching(/^[a-z]: [a-z0-9 ]{0,20}$/);
  fc.assert(
    fc.property(fc.array(fc.record({ path, content })), (documents) => {
      const read = documentsOf(writeManifest(documents));
      expect(read).toEqual(
        documents.map((document) => ({
          source: document.path,
          content: `# Source: ${document.path}\n${document.content}\n`,
        })),
      );
    }),
  );
});

test('objects keep the order of the manifest; those of lists stand in their place', () => {
  const manifest = [
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n',
    'apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: b}\n',
    '# nothing but a comment\n',
    'apiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: c}\n',
    'apiVersion: v1\nkind: Pod\nmetadata: {generateName: d-}\n',
  ];
  const text = writeManifest(manifest.map((content) => ({ path: 't.yaml', content })));
  const named = objectsOf(text).map(({ kind, metadata }) => `${kind}/${metadata.name}`);
  expect(named).toEqual(['ConfigMap/a', 'Secret/b', 'ConfigMap/c', 'Pod/']);
});

describe('what is no object is an error that names its template', () => {
  const source = '# Source: c/templates/x.yaml\n';
  test.each([
    { name: 'a text', text: 'hello', message: 'c/templates/x.yaml: the document is no object' },
    { name: 'broken YAML', text: 'a: [', message: /^c\/templates\/x\.yaml:\d+: / },
    { name: 'no kind', text: 'apiVersion: v1', message: /x\.yaml: kind must be a string/ },
    { name: 'no version', text: 'kind: Pod', message: /x\.yaml: apiVersion must be a string/ },
    {
      name: 'no name',
      text: 'apiVersion: v1\nkind: Pod',
      message: 'metadata.name of Pod must be a string; add it',
    },
    {
      name: 'a number as name',
      text: 'apiVersion: v1\nkind: Pod\nmetadata: {name: 5}',
      message: 'metadata.name of Pod must be a string; quote it',
    },
    {
      name: 'a label that is no string',
      text: 'apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {x: "1", version: 1.10}}',
      message: "metadata.labels of Pod a: the value of 'version' must be a string; quote it",
    },
    {
      name: 'annotations that are no map',
      text: 'apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: [x]}',
      message: 'metadata.annotations of Pod a must be a map',
    },
    {
      name: 'an item of a list',
      text: 'apiVersion: v1\nkind: List\nitems: [{}, 5]',
      message: 'x.yaml: items[0]: apiVersion must be',
    },
  ])('$name', ({ text, message }) => {
    const read = () => objectsOf(`---\n${source}${text}\n`);
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ reason: 'ManifestInvalid' }));
  });
});

test('of equal keys the last counts, as for Helm', () => {
  const text = 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nkind: ConfigMap\n';
  expect(objectsOf(text)).toMatchObject([{ kind: 'ConfigMap' }]);
});

test('integers of 64 bits reach the API server digit by digit', () => {
  const text =
    'apiVersion: v1\nkind: X\nmetadata: {name: a}\nspec: {max: 9223372036854775807, small: 5}\n';
  expect(JSON.stringify(objectsOf(text)[0])).toContain('{"max":9223372036854775807,"small":5}');
});

test.each([
  { policy: 'keep', kept: true },
  { policy: ' KEEP ', kept: true },
  { policy: 'delete', kept: false },
  { policy: undefined, kept: false },
])('an object with resource-policy $policy is kept: $kept', ({ policy, kept }) => {
  const annotations = policy === undefined ? undefined : { 'helm.sh/resource-policy': policy };
  const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a', annotations } };
  expect(isKept(object)).toBe(kept);
});
