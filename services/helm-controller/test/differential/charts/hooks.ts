import { type ChartCase, configMap, hookAnnotations, job } from './case.ts';

const hook = (name: string, events: string, more?: Record<string, string>) =>
  configMap(
    `{{ .Release.Name }}-${name}`,
    '  r: "{{ .Release.Revision }}"',
    hookAnnotations(events, more),
  );

const events = [
  'pre-install',
  'post-install',
  'pre-upgrade',
  'post-upgrade',
  'pre-rollback',
  'post-rollback',
  'pre-delete',
  'post-delete',
];

/** Objects that run at events of a release. */
export const hooks: ChartCase[] = [
  {
    name: 'hook-events',
    files: {
      ...Object.fromEntries(
        events.map((event) => [
          `templates/${event}.yaml`,
          hook(event, event, { 'hook-weight': '5' }),
        ]),
      ),
      'templates/all.yaml': hook('all', events.join(', '), {
        'hook-weight': '-3',
        'hook-delete-policy': 'hook-succeeded,before-hook-creation',
      }),
      'templates/some.yaml': hook('some', 'POST-INSTALL,pre-upgrade', {
        'hook-weight': '+07',
        'hook-delete-policy': 'hook-failed',
        'hook-output-log-policy': 'hook-succeeded, hook-failed',
      }),
      'templates/odd-weight.yaml': hook('odd-weight', 'pre-install', { 'hook-weight': '1.5' }),
      'templates/unknown.yaml': hook('unknown', 'pre-install,no-such-event'),
      'templates/crd-install.yaml': hook('crd-install', 'crd-install'),
      'templates/account.yaml': `apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .Release.Name }}-hook${hookAnnotations('pre-install,pre-upgrade', { 'hook-weight': '-3' })}
---
${configMap('{{ .Release.Name }}', '  a: "{{ .Release.Revision }}"')}`,
      'templates/tests/one.yaml': hook('test', 'test-success'),
      'templates/tests/two.yaml': hook('test-kept', 'test', {
        'hook-delete-policy': 'hook-failed',
      }),
    },
    tests: true,
  },
  {
    name: 'hook-jobs',
    files: {
      'templates/before.yaml': job(
        '{{ .Release.Name }}-before',
        hookAnnotations('pre-install,pre-upgrade', { 'hook-delete-policy': 'hook-succeeded' }),
      ),
      'templates/after.yaml': job('{{ .Release.Name }}-after', hookAnnotations('post-install')),
      'templates/main.yaml': job('{{ .Release.Name }}-{{ .Release.Revision }}'),
    },
  },
  {
    name: 'hook-fails-before',
    files: {
      'templates/a.yaml': hook('a', 'pre-upgrade', {
        'hook-weight': '-1',
        'hook-delete-policy': 'hook-succeeded',
      }),
      'templates/b.yaml': job(
        '{{ .Release.Name }}-b',
        hookAnnotations('pre-install,pre-upgrade', {
          'hook-delete-policy': 'before-hook-creation,hook-failed',
        }),
        '{{ ternary "fail" "complete" (.Values.broken | default false) }}',
      ),
      'templates/c.yaml': hook('c', 'pre-upgrade', { 'hook-weight': '1' }),
      'templates/d.yaml': hook('d', 'pre-rollback'),
      'templates/cm.yaml': configMap('{{ .Release.Name }}', '  broken: "{{ .Values.broken }}"'),
    },
    failing: { broken: true },
    failure: ['hook-fails-before-b', 'pre-upgrade'],
  },
  {
    name: 'hook-fails-after',
    files: {
      'templates/a.yaml': hook('a', 'post-upgrade', { 'hook-weight': '-1' }),
      'templates/b.yaml': job(
        '{{ .Release.Name }}-b',
        hookAnnotations('post-upgrade'),
        '{{ ternary "fail" "complete" (.Values.broken | default false) }}',
      ),
      'templates/cm.yaml': configMap('{{ .Release.Name }}', '  broken: "{{ .Values.broken }}"'),
      'templates/new.yaml': `{{ if .Values.broken }}${configMap('{{ .Release.Name }}-new', '  a: b')}{{ end }}`,
    },
    failing: { broken: true },
    failure: ['hook-fails-after-b', 'post-upgrade'],
    differs: {
      'recovery.objects.ConfigMap/NAMESPACE/hook-fails-after-new': 'Objects of failed upgrades',
      'uninstallation.objects.ConfigMap/NAMESPACE/hook-fails-after-new':
        'Objects of failed upgrades',
    },
    recovery: 'upgrade',
  },
  {
    name: 'hook-refused',
    files: {
      'templates/a.yaml': configMap(
        '{{ .Release.Name }}-{{ .Values.suffix | default "ok" }}',
        '  a: b',
        hookAnnotations('pre-install,pre-upgrade'),
      ),
      'templates/cm.yaml': configMap(
        '{{ .Release.Name }}',
        '  suffix: {{ .Values.suffix | quote }}',
      ),
    },
    failing: { suffix: 'Not_A_Name' },
    failure: ['pre-upgrade', 'hook-refused-Not_A_Name', 'metadata.name'],
  },
  {
    name: 'hooks-disabled',
    files: {
      'templates/a.yaml': hook('a', 'pre-install,pre-upgrade,pre-rollback,pre-delete'),
      'templates/cm.yaml': configMap('{{ .Release.Name }}', '  a: b'),
    },
    options: {
      spec: {
        install: { disableHooks: true },
        upgrade: { disableHooks: true },
        rollback: { disableHooks: true },
        uninstall: { disableHooks: true },
      },
      install: ['--no-hooks'],
      upgrade: ['--no-hooks'],
      rollback: ['--no-hooks'],
      uninstall: ['--no-hooks'],
    },
  },
];
