import { type ChartCase, configMap, job } from './case.ts';

const deployment = (label: string) => `apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: 0
  selector: {matchLabels: {app: ${label}}}
  template:
    metadata: {labels: {app: ${label}}}
    spec:
      containers:
        - name: main
          image: example/app:{{ .Chart.Version }}
          {{- if .Values.args }}
          args: {{ .Values.args | toJson }}
          {{- end }}
      {{- if .Values.second }}
        - {name: second, image: example/second}
      {{- end }}
`;

/** Both sides apply on the client side. */
export const onClientSide = {
  spec: { install: { serverSideApply: false } },
  install: ['--server-side=false', '--force-conflicts=false'],
  upgrade: ['--force-conflicts=false'],
  rollback: ['--force-conflicts=false'],
};

/** What upgrades, failures, rollbacks and uninstallations do to objects. */
export const lifecycle: ChartCase[] = [
  {
    name: 'moving-objects',
    files: {
      'templates/a.yaml': configMap('{{ .Release.Name }}-a', '  one: "1"\n  two: "2"'),
      'templates/b.yaml': configMap('{{ .Release.Name }}-b', '  a: b'),
      'templates/changing.yaml': configMap('{{ .Release.Name }}-kind', '  a: b'),
      'templates/d.yaml': deployment('x'),
    },
    values: { args: ['a'], second: true },
    upgrade: {
      files: {
        'templates/a.yaml': configMap(
          '{{ .Release.Name }}-a',
          '  two: "3"',
          '\n  labels: {new: label}',
        ),
        'templates/b.yaml': configMap('{{ .Release.Name }}-c', '  a: b'),
        'templates/changing.yaml': configMap('{{ .Release.Name }}-kind', '  a: Yg==').replace(
          'ConfigMap',
          'Secret',
        ),
      },
      values: { args: ['b', 'c'] },
    },
  },
  {
    name: 'kept-objects',
    files: {
      'templates/a.yaml': configMap(
        '{{ .Release.Name }}-a',
        '  a: b',
        '\n  annotations: {helm.sh/resource-policy: keep}',
      ),
      'templates/b.yaml': `{{ if not .Values.less }}${configMap(
        '{{ .Release.Name }}-b',
        '  a: b',
        '\n  annotations: {helm.sh/resource-policy: keep}',
      )}{{ end }}`,
      'templates/c.yaml': configMap(
        '{{ .Release.Name }}-c',
        '  a: b',
        '\n  annotations: {helm.sh/resource-policy: " Keep "}',
      ),
    },
    upgrade: { values: { less: true } },
  },
  {
    name: 'namespaces',
    files: {
      'templates/ns.yaml':
        'apiVersion: v1\nkind: Namespace\nmetadata: {name: "{{ .Release.Namespace }}-more", labels: {a: b}}\n',
      'templates/cm.yaml': `${configMap('{{ .Release.Name }}', '  a: b', '\n  namespace: "{{ .Release.Namespace }}-more"')}---
${configMap('{{ .Release.Name }}', '  a: c')}`,
    },
  },
  {
    name: 'immutable-field',
    files: {
      'templates/a.yaml': configMap(
        '{{ .Release.Name }}-a',
        '  v: {{ .Chart.Version }}-{{ .Values.app }}',
      ),
      'templates/d.yaml': deployment('{{ .Values.app | default "x" }}'),
      'templates/z.yaml': `{{ if .Values.app }}${configMap('{{ .Release.Name }}-new', '  a: b')}---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: {{ .Release.Name }}}
spec: {defaultBackend: {service: {name: x, port: {number: 1}}}}
{{ end }}`,
    },
    failing: { app: 'other' },
    failure: ['immutable-field', 'spec.selector', 'field is immutable'],
  },
  {
    name: 'several-refused',
    files: {
      'templates/a.yaml': `{{ if .Values.broken }}${configMap('Wrong_One', '  a: b')}---
${configMap('{{ .Release.Name }}-new', '  a: b')}---
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}-new}
spec: {ports: [{port: 80}]}
---
{{ end }}${configMap('{{ .Release.Name }}', '  a: {{ .Values.broken | quote }}')}`,
      'templates/sa.yaml':
        'apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {{ .Release.Name }}\n  labels: {broken: "{{ .Values.broken }}"}\n',
    },
    failing: { broken: true },
    failure: ['Wrong_One', 'metadata.name'],
    differs: {
      'failing upgrade.objects.ConfigMap/NAMESPACE/several-refused.data.a':
        'Objects beside a refused one',
      'failing upgrade.objects.ConfigMap/NAMESPACE/several-refused-new':
        'Objects beside a refused one',
    },
    recovery: 'upgrade',
  },
  {
    name: 'job-fails',
    files: {
      'templates/cm.yaml': configMap('{{ .Release.Name }}', '  a: "{{ .Values.broken }}"'),
      'templates/job.yaml': job(
        '{{ .Release.Name }}-{{ .Release.Revision }}',
        '',
        '{{ ternary "fail" "complete" (.Values.broken | default false) }}',
      ),
    },
    failing: { broken: true },
    failure: ['job-fails-3'],
  },
  {
    name: 'fails-at-first',
    files: {
      'templates/a.yaml': configMap('{{ .Release.Name }}-a', '  failing: "{{ .Values.failing }}"'),
    },
    failsAtFirst: true,
    recovery: 'upgrade',
  },
  {
    name: 'clean-up',
    files: {
      'templates/a.yaml': configMap('{{ .Release.Name }}-a', '  a: b'),
      'templates/new.yaml': `{{ if .Values.failing }}apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: {{ .Release.Name }}-new}\n{{ end }}`,
    },
    options: { spec: { upgrade: { cleanupOnFail: true } }, upgrade: ['--cleanup-on-fail'] },
    recovery: 'upgrade',
  },
  {
    name: 'client-side',
    files: {
      'templates/a.yaml': configMap(
        '{{ .Release.Name }}-a',
        '  one: "1"\n  two: {{ .Values.two | quote }}',
      ),
      'templates/d.yaml': deployment('x'),
    },
    values: { two: '2', args: ['a'], second: true },
    upgrade: { values: { two: '3' } },
    options: onClientSide,
  },
  {
    name: 'taking-over',
    files: {
      'templates/a.yaml': configMap('{{ .Release.Name }}', '  a: ours'),
      'templates/b.yaml': `{{ if .Values.more }}${configMap('{{ .Release.Name }}-more', '  a: ours')}{{ end }}`,
    },
    existing: ['taking-over', 'taking-over-more'].map((name) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, labels: { other: 'label' } },
      data: { a: 'theirs', b: 'theirs' },
    })),
    upgrade: { values: { more: true } },
  },
  {
    name: 'short-history',
    files: { 'templates/a.yaml': configMap('{{ .Release.Name }}', '  a: {{ .Values.a | quote }}') },
    upgrade: { values: { a: 'b' } },
    options: {
      spec: { maxHistory: 2 },
      upgrade: ['--history-max=2'],
      rollback: ['--history-max=2'],
    },
  },
  {
    name: 'kept-history',
    files: { 'templates/a.yaml': configMap('{{ .Release.Name }}', '  a: b') },
    options: { spec: { uninstall: { keepHistory: true } }, uninstall: ['--keep-history'] },
  },
  {
    name: 'kept-values',
    files: {
      'values.yaml': 'c: default\n',
      'templates/a.yaml': configMap('{{ .Release.Name }}', '  all: {{ .Values | toJson | quote }}'),
    },
    values: { a: 1, b: { x: 1 } },
    upgrade: { files: { 'values.yaml': 'c: new default\nd: 1\n' }, values: { b: { y: 2 } } },
    options: { spec: { upgrade: { preserveValues: true } }, upgrade: ['--reuse-values'] },
  },
];
