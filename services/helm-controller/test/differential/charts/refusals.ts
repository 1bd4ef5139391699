import { configMap, type Refusal } from './case.ts';

const chartWith = (more: string) => `apiVersion: v2\nname: refused\nversion: 1.0.0\n${more}`;

/** Charts of which nothing is released, with what both sides have to name. */
export const refusals: Refusal[] = [
  {
    name: 'a required value that is missing',
    files: { 'templates/x.yaml': 'a:\n  b: {{ required "set .Values.foo" .Values.foo }}\n' },
    says: ['templates/x.yaml:2:', 'set .Values.foo'],
  },
  {
    name: 'a template that fails in a helper',
    files: {
      'templates/_h.tpl': '\n{{ define "h" }}\n  {{ .Values.a.b.c }}\n{{ end }}',
      'templates/sub/x.yaml': 'a: b\nb: {{ include "h" . }}\n',
    },
    says: ['templates/sub/x.yaml:2:', 'templates/_h.tpl:3:', '<.Values.a.b.c>', 'nil pointer'],
  },
  {
    name: 'a field of nothing',
    files: { 'templates/x.yaml': '{{ with .Release }}\n\na: {{ $.Values.x.y.z }}{{ end }}' },
    says: ['templates/x.yaml:3:', '<$.Values.x.y.z>', 'nil pointer'],
  },
  {
    name: 'a template that cannot be parsed',
    files: { 'templates/x.yaml': 'a: b\n{{ if }}x{{ end }}' },
    says: ['templates/x.yaml:2', 'missing value for if'],
  },
  {
    name: 'a function that does not exist',
    files: { 'templates/x.yaml': 'a: {{ nothing 1 }}' },
    says: ['templates/x.yaml:1', '"nothing" not defined'],
  },
  {
    name: 'what is no YAML',
    files: { 'templates/x.yaml': 'apiVersion: v1\nkind: X\n bad: [' },
    says: ['templates/x.yaml', 'line 3'],
  },
  {
    name: 'notes that fail',
    files: { 'templates/NOTES.txt': 'a\n{{ fail "no notes" }}' },
    says: ['templates/NOTES.txt:2:', 'no notes'],
  },
  {
    name: 'values against the schema of a chart inside',
    files: {
      'Chart.yaml': chartWith('dependencies: [{name: sub, version: 1.0.0, alias: inner}]\n'),
      'charts/sub/Chart.yaml': 'apiVersion: v2\nname: sub\nversion: 1.0.0\n',
      'charts/sub/values.schema.json':
        '{"properties": {"a": {"properties": {"b": {"enum": [1]}}}}}',
    },
    values: { inner: { a: { b: 2 } } },
    says: ['inner', '/a/b', 'value must be 1'],
  },
  {
    name: 'another version of Kubernetes',
    files: { 'Chart.yaml': chartWith('kubeVersion: "<1.2.0"\n') },
    says: ['kubeVersion: <1.2.0'],
  },
  {
    name: 'a dependency that is not there',
    files: { 'Chart.yaml': chartWith('dependencies: [{name: sub, version: 1.0.0}]\n') },
    says: ['missing in charts/ directory: sub'],
  },
  {
    name: 'a library',
    files: { 'Chart.yaml': chartWith('type: library\n') },
    says: ['library', 'not installable'],
  },
  {
    name: 'a kind that the cluster does not serve',
    files: {
      'templates/x.yaml':
        'apiVersion: none.example/v1\nkind: Nothing\nmetadata: {name: some-name}\n',
    },
    says: ['Nothing', 'none.example/v1', 'some-name', 'CRD'],
  },
  {
    name: 'an object of somebody else',
    files: { 'templates/x.yaml': configMap('theirs', '  a: b') },
    existing: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'theirs' } }],
    options: {
      spec: { install: { disableTakeOwnership: true } },
      install: ['--take-ownership=false'],
    },
    says: [
      'ConfigMap',
      'theirs',
      'cannot be imported into the current release',
      'app.kubernetes.io/managed-by',
      'meta.helm.sh/release-name',
      'meta.helm.sh/release-namespace',
    ],
  },
  {
    name: 'labels that are no strings',
    files: {
      'templates/a.yaml': configMap('a', '  a: b'),
      'templates/x.yaml': configMap('x', '  a: b', '\n  labels: {version: 1.10}'),
    },
    says: ['labels', 'string'],
  },
  {
    name: 'annotations that are no strings',
    files: { 'templates/x.yaml': configMap('x', '  a: b', '\n  annotations: {enabled: true}') },
    says: ['annotations', 'string'],
  },
  {
    name: 'an object without a kind',
    files: { 'templates/x.yaml': 'apiVersion: v1\nmetadata: {name: x}\n' },
    says: ['kind'],
  },
  {
    name: 'an object without a name',
    files: { 'templates/x.yaml': 'apiVersion: v1\nkind: ConfigMap\ndata: {a: b}\n' },
    says: ['name'],
  },
];
