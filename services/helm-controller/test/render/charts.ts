import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Texts by path in the chart. */
export type ChartFiles = Record<string, string>;

/** Writes a chart; returns its directory. */
export async function writeChart(dir: string, name: string, files: ChartFiles): Promise<string> {
  const root = join(dir, name);
  const all: ChartFiles = {
    'Chart.yaml': `apiVersion: v2\nname: ${name}\nversion: 1.2.3\nappVersion: "9"\n`,
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

const configMap = (name: string, data: string, annotations = '') =>
  `apiVersion: v1
kind: ConfigMap
metadata:
  name: ${name}${annotations}
data:
${data}
`;

const hook = (events: string, more = '') =>
  `\n  annotations:\n    helm.sh/hook: ${events}\n    helm.sh/hook-delete-policy: hook-succeeded,before-hook-creation${more}`;

/** Everything that decides what a release holds. */
export const everything: ChartFiles = {
  'Chart.yaml': `apiVersion: v2
name: everything
version: 1.2.3
appVersion: "9"
kubeVersion: ">=1.25.0-0"
annotations: {team: blue}
dependencies:
  - {name: base, version: 0.1.0}
  - {name: worker, version: 0.1.0, alias: first, import-values: [{child: shared, parent: taken}]}
  - {name: worker, version: 0.1.0, alias: second, condition: second.enabled}
  - {name: extra, version: 0.1.0, tags: [extras]}
`,
  'values.yaml': `global: {env: prod}
greeting: 'hello {{ .Release.Name }}'
big: 12345678901234567890
million: 1000000
ratio: 1.50
word: yes
first: {size: 2}
second: {enabled: false}
tags: {extras: false}
nothing: ~
`,
  'values.schema.json':
    '{"type":"object","properties":{"greeting":{"type":"string"},"port":{"type":"integer"}}}',
  'charts/base/Chart.yaml': 'apiVersion: v2\nname: base\nversion: 0.1.0\ntype: library\n',
  'charts/base/templates/_lib.tpl':
    '{{- define "base.labels" }}app: {{ .Chart.Name }}-{{ .Release.Name }}{{ end }}',
  'charts/worker/Chart.yaml': 'apiVersion: v2\nname: worker\nversion: 0.1.0\n',
  'charts/worker/values.yaml': 'size: 1\nshared: {color: red}\n',
  'charts/worker/templates/NOTES.txt': 'not shown',
  'charts/worker/templates/cm.yaml': configMap(
    '{{ .Release.Name }}-{{ .Chart.Name }}',
    '  size: "{{ .Values.size }}"\n  env: "{{ .Values.global.env }}"',
  ),
  'charts/extra/Chart.yaml': 'apiVersion: v2\nname: extra\nversion: 0.1.0\n',
  'charts/extra/templates/cm.yaml': configMap('extra', '  a: b'),
  'files/a.txt': 'text\twith "quotes"\n',
  'crds/unused.yaml':
    'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: gears.everything.example}\nspec:\n  group: everything.example\n  scope: Namespaced\n  names: {kind: Gear, plural: gears, singular: gear}\n  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]\n',
  'templates/NOTES.txt': 'Revision {{ .Release.Revision }} of {{ .Release.Name }}\n',
  'templates/main.yaml': configMap(
    '{{ .Release.Name }}-main',
    `  greeting: {{ tpl .Values.greeting . | quote }}
  file: {{ .Files.Get "files/a.txt" | b64enc }}
  digest: {{ .Files.Get "files/a.txt" | sha256sum }}
  label: {{ include "base.labels" . | quote }}
  color: {{ .Values.taken.color | quote }}
  release: "{{ .Release.Revision }} {{ .Release.IsInstall }} {{ .Release.IsUpgrade }} {{ .Release.Service }} {{ .Release.Namespace }}"
  numbers: "{{ .Values.big }} {{ .Values.million }} {{ .Values.ratio }} {{ .Values.word }} {{ int .Values.million }}"
  values: {{ .Values | toJson | sha256sum }}
  template: "{{ .Template.Name }} {{ .Template.BasePath }}"`,
  ),
  'templates/capabilities.yaml': configMap(
    '{{ .Release.Name }}-capabilities',
    `  versions: {{ .Capabilities.APIVersions | sortAlpha | toJson | quote }}
  kube: "{{ .Capabilities.KubeVersion }} {{ .Capabilities.KubeVersion.Minor }}"
  helm: {{ .Capabilities.HelmVersion.Version }}
  has: "{{ .Capabilities.APIVersions.Has "apps/v1/Deployment" }} {{ .Capabilities.APIVersions.Has "apps/v2" }}"`,
  ),
  'templates/lookup.yaml': configMap(
    '{{ .Release.Name }}-lookup',
    `  uid: {{ (lookup "v1" "Namespace" "" "default").metadata.uid }}
  missing: "{{ empty (lookup "v1" "ConfigMap" "default" "missing") }}"
  list: "{{ gt (len (lookup "rbac.authorization.k8s.io/v1" "ClusterRole" "" "").items) 10 }}"`,
  ),
  'templates/several.yaml': `${configMap('{{ .Release.Name }}-b', '  a: "1"')}---
${configMap('{{ .Release.Name }}-hook', '  a: "1"', hook('pre-install,pre-upgrade', '\n    helm.sh/hook-weight: "-5"'))}---
apiVersion: v1
kind: ServiceAccount
metadata: {name: "{{ .Release.Name }}"}
---
# nothing but a comment
`,
  'templates/tests/hook.yaml': configMap('{{ .Release.Name }}-test', '  a: "1"', hook('test')),
  'templates/empty.yaml': '{{ if .Values.never }}a: b{{ end }}\n',
  'templates/_partial.tpl': 'not rendered',
};
