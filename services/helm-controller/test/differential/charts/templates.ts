import { type ChartCase, configMap } from './case.ts';

/** 53 characters, the most that helm takes. */
const longName = 'a-release-with-a-name-that-is-as-long-as-helm-permits';

/** What templates can do. */
export const templates: ChartCase[] = [
  {
    name: 'release-info',
    files: {
      'templates/cm.yaml': configMap(
        '{{ .Release.Name }}',
        `  release: "{{ .Release.Revision }} {{ .Release.IsInstall }} {{ .Release.IsUpgrade }} {{ .Release.Service }} {{ .Release.Namespace }}"
  template: "{{ .Template.Name }} {{ .Template.BasePath }}"
  values: {{ .Values | toJson | quote }}`,
      ),
      'templates/{{.}}/odd name.yaml': configMap('{{ .Release.Name }}-odd', '  a: b'),
    },
    values: { a: [] },
    upgrade: { values: { a: [1], b: {} } },
  },
  {
    name: 'capabilities',
    files: {
      'templates/cm.yaml': configMap(
        '{{ .Release.Name }}',
        `  kube: "{{ .Capabilities.KubeVersion }} {{ .Capabilities.KubeVersion.Version }} {{ .Capabilities.KubeVersion.Major }} {{ .Capabilities.KubeVersion.Minor }} {{ .Capabilities.KubeVersion.GitVersion }}"
  helm: {{ .Capabilities.HelmVersion | toJson | quote }}
  has: "{{ .Capabilities.APIVersions.Has "apps/v1/Deployment" }} {{ .Capabilities.APIVersions.Has "v1" }} {{ .Capabilities.APIVersions.Has "policy/v1beta1" }} {{ .Capabilities.APIVersions.Has "v1/Pod" }}"
  semver: "{{ semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version }}"`,
      ),
    },
  },
  {
    name: 'lookups',
    files: {
      'templates/cm.yaml': `{{- $known := lookup "v1" "Secret" .Release.Namespace (printf "%s-kept" .Release.Name) }}
${configMap(
  '{{ .Release.Name }}',
  `  known: {{ $known | dig "data" "word" "" | b64dec | quote }}
  uid: {{ (lookup "v1" "Namespace" "" "kube-system").metadata.name }}
  all: "{{ range (lookup "v1" "ConfigMap" .Release.Namespace "").items }}{{ .metadata.name }} {{ end }}"
  missing: "{{ empty (lookup "v1" "ConfigMap" "default" "missing") }}"`,
)}`,
      'templates/secret.yaml': `{{- $known := lookup "v1" "Secret" .Release.Namespace (printf "%s-kept" .Release.Name) }}
apiVersion: v1
kind: Secret
metadata: {name: "{{ .Release.Name }}-kept"}
stringData:
  word: {{ if $known }}{{ index $known.data "word" | b64dec }}{{ else }}{{ .Values.word }}{{ end }}
`,
    },
    values: { word: 'first' },
    upgrade: { values: { word: 'second' } },
  },
  {
    name: 'files-and-tpl',
    files: {
      'values.yaml': 'greeting: \'hello {{ .Release.Name }} {{ include "who" . }}\'\n',
      'config/a.conf': 'a={{ .Values.greeting }}\n\ttab "quoted" \\ back\n',
      'config/b.conf': 'Grüße 😀\r\nCRLF\r\n',
      'config/no-end': 'no newline at the end',
      'templates/_helpers.tpl': '{{ define "who" }}{{ .Chart.Name | title }}{{ end }}',
      'templates/cm.yaml': `${configMap(
        '{{ .Release.Name }}',
        `  greeting: {{ tpl .Values.greeting . | quote }}
  digest: {{ .Files.Get "config/a.conf" | sha256sum }}
  missing: {{ .Files.Get "config/missing" | quote }}
  lines: {{ .Files.Lines "config/b.conf" | toJson | quote }}
{{ (.Files.Glob "config/*.conf").AsConfig | indent 2 }}
  {{- range $path, $bytes := .Files.Glob "**" }}
  {{ $path | replace "/" "_" }}: {{ $bytes | toString | quote }}
  {{- end }}`,
      )}---
apiVersion: v1
kind: Secret
metadata: {name: "{{ .Release.Name }}"}
data:
{{ (.Files.Glob "config/*").AsSecrets | indent 2 }}
---
${configMap('{{ .Release.Name }}-tpl', '  a: |\n{{ tpl (.Files.Get "config/a.conf") . | indent 4 }}')}`,
    },
    upgrade: { values: { greeting: '{{ .Values.x | default "none" }}: "é" \'\\' } },
    recovery: 'upgrade',
  },
  {
    name: 'notes',
    files: {
      'Chart.yaml':
        'apiVersion: v2\nname: notes\nversion: 1.0.0\ndependencies: [{name: sub, version: 0.1.0}]\n',
      'charts/sub/Chart.yaml': 'apiVersion: v2\nname: sub\nversion: 0.1.0\n',
      'charts/sub/templates/NOTES.txt': 'not shown',
      'templates/NOTES.txt':
        '\n  Grüße & <b> "quoted" {{ .Release.Name }} {{ .Release.Revision }}\r\n\tkubectl get pods  \n\n\n',
      'templates/cm.yaml': configMap('{{ .Release.Name }}', '  a: "1"'),
    },
  },
  {
    name: 'schema',
    files: {
      'values.yaml': 'port: 80\nname: a\n',
      'values.schema.json': JSON.stringify({
        $schema: 'http://json-schema.org/draft-07/schema#',
        type: 'object',
        required: ['port'],
        properties: {
          port: { type: 'integer', maximum: 65535 },
          ingress: {
            properties: { hosts: { items: { properties: { host: { pattern: '^[a-z.]+$' } } } } },
          },
        },
      }),
      'templates/cm.yaml': configMap('{{ .Release.Name }}', '  port: "{{ .Values.port }}"'),
    },
    upgrade: { values: { port: 81, ingress: { hosts: [{ host: 'example.com' }] } } },
    failing: { port: 'x', ingress: { hosts: [{ host: 'a' }, { host: 'Not ok' }] } },
    failure: ['/port', 'got string, want integer', '/ingress/hosts/1/host', "'^[a-z.]+$'"],
    refused: true,
    recovery: 'upgrade',
  },
  {
    name: 'long-names',
    releaseName: longName,
    files: {
      'templates/_helpers.tpl': `{{- define "fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
`,
      'templates/cm.yaml': `${configMap('{{ include "fullname" . }}', '  a: b')}---
${configMap(`{{ repeat 20 "long.name-" }}${'x'.repeat(53)}`, `  ${'k'.repeat(253)}: "1"`)}`,
    },
  },
  {
    name: 'values-from-yaml',
    files: {
      'values.yaml':
        'list: [1, 2]\nmap: {a: 1, b: {c: 2}}\ngone: {x: 1}\nempty: {}\nnone: ~\nbig: 12345678901234567890\n',
      'templates/cm.yaml': configMap(
        '{{ .Release.Name }}',
        `  all: {{ .Values | toJson | quote }}
  yaml: |
{{ toYaml .Values | indent 4 }}
  each: "{{ range $k, $v := .Values }}{{ $k }}={{ $v }} {{ end }}"
  kinds: "{{ range $k, $v := .Values }}{{ $k }}={{ kindOf $v }} {{ end }}"`,
      ),
    },
    values: `base: &base {a: 1, b: two}
merged: {<<: *base, c: 3}
alias: *base
big: 9007199254740992
huge: 123456789012345678901234567890
negative: -9007199254740992
float: 1.10
exponent: 1e3
tiny: 1e-7
octal: 0777
newOctal: 0o17
hex: 0xFF
underscore: 1_000
words: [yes, no, on, off, y, n, ~, null, 'null', true, "true"]
date: 2001-02-03
time: 12:30:45
version: 1.0
text: |
  two
  lines
folded: >-
  one
  line
gone: ~
unicode: "Grüße 😀 \\u2028 \\u00a0"
list: []
map: {b: {d: 4}}
`,
    upgrade: {
      values: 'map: {a: null, b: ~}\nlist: [{}]\nbig: 1.0\n"a.b": {"c d": [[1], [2, [3]]]}\n',
    },
  },
  {
    name: 'values-inline',
    files: {
      'values.yaml': 'map: {a: 1, b: {c: 2}}\nsub: {x: y}\n',
      'templates/cm.yaml': configMap(
        '{{ .Release.Name }}',
        '  all: {{ .Values | toJson | quote }}\n  text: {{ printf "%v" .Values | quote }}',
      ),
    },
    values: {
      big: 9007199254740991,
      million: 1_000_000,
      million2: 12_345_678,
      ratio: 0.1,
      tiny: 1e-7,
      huge: 1e21,
      map: { a: null, b: { d: [] } },
      sub: null,
      odd: 'a\u0085b\u2028c\u00a0d\ufeffe\t\\',
      words: [
        'yes',
        'no',
        '0777',
        '1e3',
        '1_000',
        '2001-01-01',
        'null',
        '',
        ' ',
        '~',
        '- x',
        'a: b',
      ],
      'key with: odd "signs"': true,
    },
    upgrade: { values: { map: { b: 'now text' } } },
  },
];
