import { type ChartCase, configMap } from './case.ts';

const plainChart = (name: string, more = '') =>
  `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n${more}`;

/** Charts in charts, and what Chart.yaml says. */
export const structure: ChartCase[] = [
  {
    name: 'subcharts',
    files: {
      'Chart.yaml': plainChart(
        'subcharts',
        `dependencies:
  - {name: worker, version: 0.x, alias: first, import-values: [exported, {child: shared, parent: taken}]}
  - {name: worker, version: ">=0.1.0", alias: second, condition: second.enabled,first.missing}
  - {name: extra, version: 0.1.0, tags: [extras, more]}
  - {name: off, version: 0.1.0, condition: off.enabled}
`,
      ),
      'values.yaml': `global: {env: prod, nested: {a: 1}}
first: {size: 2, global: {own: x}}
second: {enabled: false}
tags: {extras: false}
off: {enabled: false}
`,
      'templates/cm.yaml': configMap(
        '{{ .Release.Name }}',
        '  taken: {{ .Values.taken | toJson | quote }}\n  exported: {{ .Values.level | quote }}\n  values: {{ .Values | toJson | quote }}',
      ),
      'charts/worker/Chart.yaml':
        'apiVersion: v2\nname: worker\nversion: 0.1.0\ndependencies: [{name: deep, version: 0.1.0, condition: deep.enabled}]\n',
      'charts/worker/values.yaml':
        'size: 1\nshared: {color: red}\nexports: {exported: {level: 7}}\ndeep: {enabled: true}\n',
      'charts/worker/templates/cm.yaml': configMap(
        '{{ .Release.Name }}-{{ .Chart.Name }}',
        '  size: "{{ .Values.size }}"\n  global: {{ .Values.global | toJson | quote }}\n  subcharts: {{ keys .Subcharts | sortAlpha | join "," | quote }}\n  template: {{ .Template.Name }}\n  root: "{{ .Chart.IsRoot }}"',
      ),
      'charts/worker/charts/deep/Chart.yaml': 'apiVersion: v2\nname: deep\nversion: 0.1.0\n',
      'charts/worker/charts/deep/values.yaml': 'level: 3\n',
      'charts/worker/charts/deep/templates/cm.yaml': configMap(
        '{{ .Release.Name }}-{{ .Template.Name | sha256sum | trunc 8 }}',
        '  level: "{{ .Values.level }}"\n  env: "{{ .Values.global.env }}"',
      ),
      'charts/extra/Chart.yaml': 'apiVersion: v2\nname: extra\nversion: 0.1.0\n',
      'charts/extra/templates/cm.yaml': configMap('{{ .Release.Name }}-extra', '  a: b'),
      'charts/off/Chart.yaml': 'apiVersion: v2\nname: off\nversion: 0.1.0\n',
      'charts/off/templates/cm.yaml': configMap('{{ .Release.Name }}-off', '  a: b'),
    },
    upgrade: {
      values: {
        second: { enabled: true, size: 9, deep: { enabled: false } },
        tags: { more: true },
        global: { env: 'test', nested: { b: 2 } },
        first: { shared: { color: 'green', shade: null } },
      },
    },
  },
  {
    name: 'library',
    files: {
      'Chart.yaml': plainChart('library', 'dependencies: [{name: base, version: 0.1.0}]\n'),
      'charts/base/Chart.yaml': 'apiVersion: v2\nname: base\nversion: 0.1.0\ntype: library\n',
      'charts/base/values.yaml': 'suffix: lib\n',
      'charts/base/templates/ignored.yaml': configMap('never', '  a: b'),
      'charts/base/templates/_config.yaml': `{{- define "base.config.tpl" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-{{ .Values.base.suffix }}
  labels: {{- include "base.labels" . | nindent 4 }}
data: {}
{{- end -}}
{{- define "base.labels" -}}
app: {{ .Chart.Name }}
chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}
{{- define "base.merge" -}}
{{- $top := first . -}}
{{- $own := fromYaml (include (index . 1) $top) | default dict -}}
{{- toYaml (merge $own (fromYaml (include "base.config.tpl" $top))) -}}
{{- end -}}
`,
      'templates/cm.yaml':
        '{{- include "base.merge" (list . "own") -}}\n{{- define "own" -}}\ndata: {a: {{ .Values.a | default "x" | quote }}}\n{{- end -}}\n',
    },
    upgrade: { values: { a: 'y', base: { suffix: 'other' } } },
    // The failing upgrade, which lacks the suffix, makes an object that the next one does not have.
    differs: {
      'recovery.objects.ConfigMap/NAMESPACE/library-lib': 'Objects of failed upgrades',
      'uninstallation.objects.ConfigMap/NAMESPACE/library-lib': 'Objects of failed upgrades',
    },
    recovery: 'upgrade',
  },
  {
    name: 'requirements',
    files: {
      'Chart.yaml':
        'apiVersion: v1\nname: requirements\nversion: 1.0.0\nappVersion: 1.10\ndescription: of the old form\nengine: gotpl\ntillerVersion: ">2.0.0"\n',
      'requirements.yaml':
        'dependencies:\n  - name: old\n    version: 0.1.0\n    repository: https://charts.example.com\n    condition: old.enabled\n',
      'requirements.lock':
        'dependencies:\n- name: old\n  repository: https://charts.example.com\n  version: 0.1.0\ndigest: sha256:0000\ngenerated: "2020-01-01T00:00:00Z"\n',
      'charts/old/Chart.yaml': 'apiVersion: v1\nname: old\nversion: 0.1.0\n',
      'charts/old/templates/cm.yaml': configMap('{{ .Release.Name }}-old', '  a: b'),
      'templates/cm.yaml': configMap(
        '{{ .Release.Name }}',
        '  version: {{ .Chart.AppVersion | quote }}\n  api: {{ .Chart.ApiVersion | default .Chart.APIVersion | quote }}',
      ),
    },
    upgrade: { values: { old: { enabled: false } } },
  },
  {
    name: 'metadata',
    files: {
      'Chart.yaml': plainChart(
        'metadata',
        `appVersion: "v1.2.3-rc.1+build"
deprecated: true
kubeVersion: ">=1.25.0-0 <2"
type: application
description: "Schöne Beschreibung: 'quoted'"
home: https://example.com
icon: https://example.com/icon.svg
sources: [https://example.com/a, https://example.com/b]
keywords: [a, "b c"]
maintainers: [{name: Ann, email: ann@example.com, url: https://example.com/ann}, {name: Bo}]
annotations: {category: Test, images: "- name: a\\n"}
`,
      ),
      'README.md': '# Read me\n',
      LICENSE: 'none\n',
      '.helmignore': '*.bak\nnotes/\n# comment\n!kept.bak\n',
      'secret.bak': 'ignored',
      'notes/a.txt': 'ignored',
      'files/a.txt': 'kept',
      'values.yaml': '# comment\na: 1\n',
      'ci/test-values.yaml': 'a: 2\n',
      'templates/cm.yaml': configMap(
        '{{ .Release.Name }}',
        '  chart: {{ .Chart | toJson | quote }}',
      ),
    },
  },
  {
    name: 'nothing',
    files: {
      'templates/none.yaml': '{{ if .Values.never }}a: b{{ end }}\n',
      'templates/NOTES.txt': '{{ if .Values.upgraded }}Upgraded{{ end }}',
    },
    upgrade: { values: { upgraded: true } },
  },
  {
    name: 'crds',
    files: {
      'crds/a.yaml': `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: gears.@NS@.example
spec:
  group: "@NS@.example"
  scope: Namespaced
  names: {kind: Gear, plural: gears, singular: gear}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec: {type: object, properties: {teeth: {type: integer, format: int64}, label: {type: string, default: none}}}
`,
      'templates/gear.yaml': `apiVersion: "@NS@.example/v1"
kind: Gear
metadata:
  name: {{ .Release.Name }}
spec: {teeth: {{ int64 .Values.teeth }}}
`,
      'templates/cm.yaml': configMap(
        '{{ .Release.Name }}',
        '  has: "{{ .Capabilities.APIVersions.Has "@NS@.example/v1/Gear" }}"\n  found: {{ lookup "@NS@.example/v1" "Gear" .Release.Namespace .Release.Name | dig "spec" "teeth" "none" | quote }}',
      ),
      'values.yaml': 'teeth: 9007199254740991\n',
    },
    upgrade: { values: { teeth: 12 } },
  },
];
