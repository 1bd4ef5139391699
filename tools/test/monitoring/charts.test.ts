import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deliveryGroup } from '@sluice/shared/api';
import { temporaryFolder } from '@sluice/testing';
import { dump, load } from 'js-yaml';
import { expect, onTestFinished, test } from 'vitest';
import {
  type CustomResourceStateMetrics,
  kubeStateMetricsConfig,
} from '../../generate/monitoring/kube-state-metrics.ts';
import type { AlertRule } from '../../generate/monitoring/rule.ts';
import { controllersWithRules, type RuleGroup, rulesOf } from '../../generate/monitoring/rules.ts';
import { withAll } from '../charts/matrix.ts';
import { find, names, type Rendered, render } from '../charts/render.ts';
import { promtool } from './promtool.ts';

const root = join(import.meta.dirname, '../../..');

function groupsOf(objects: readonly Rendered[], controller: string): RuleGroup[] {
  return find(objects, 'PrometheusRule', controller)['spec'].groups;
}

function alertsOf(objects: readonly Rendered[], controller: string): Record<string, AlertRule> {
  const rules = groupsOf(objects, controller).flatMap((group) => group.rules);
  return Object.fromEntries(rules.map((rule) => [rule.alert, rule]));
}

test('nothing of monitoring is installed unless asked for', async () => {
  const objects = await render('sluice');
  const kinds = new Set(objects.map(({ kind }) => kind));
  expect(kinds).not.toContain('PrometheusRule');
  expect(kinds).not.toContain('PodMonitor');
  expect(
    names(objects, 'ConfigMap').filter((name) => /dashboard|state-metrics/.test(name)),
  ).toEqual([]);
});

test('promtool accepts the rules as they are installed', async () => {
  const objects = await render('sluice', ['prometheus.rules.create=true', withAll]);
  expect(names(objects, 'PrometheusRule')).toEqual([...controllersWithRules].sort());
  const { path: folder, remove } = await temporaryFolder('rules');
  onTestFinished(remove);
  for (const controller of controllersWithRules) {
    const file = join(folder, `${controller}.yaml`);
    await writeFile(file, dump(find(objects, 'PrometheusRule', controller)['spec']));
    const { ok, output } = await promtool(['check', 'rules', '--lint=all', file]);
    expect(ok, output).toBe(true);
  }
});

test('the installed rules are those of the file, in the namespace of the release', async () => {
  const objects = await render('sluice', ['prometheus.rules.create=true', withAll]);
  for (const controller of controllersWithRules) {
    const expected = JSON.stringify(rulesOf(controller)).replaceAll(
      'namespace=~\\".+\\"',
      'namespace=\\"flux-system\\"',
    );
    const groups = groupsOf(objects, controller);
    for (const rule of groups.flatMap(({ rules }) => rules)) {
      const { runbook_url, ...annotations } = rule.annotations as Record<string, string>;
      expect(runbook_url).toBe(`docs/runbooks.md#${rule.alert.toLowerCase()}`);
      Object.assign(rule, { annotations });
    }
    expect(groups).toEqual(JSON.parse(expected));
  }
});

test('one rule can be changed or left out, and the address of the runbooks set', async () => {
  const overrides = {
    SluiceReconcileSlow: { threshold: 45, for: '1h', severity: 'critical' },
    SluiceResourceSuspended: { enabled: false },
  };
  const objects = await render('kustomize-controller', [
    'prometheus.rules.create=true',
    'prometheus.rules.additionalLabels={"release":"prometheus"}',
    'prometheus.rules.runbookURL=https://git.example.com/runbooks.md#',
    `prometheus.rules.overrides=${JSON.stringify(overrides)}`,
  ]);
  const alerts = alertsOf(objects, 'kustomize-controller');
  expect(alerts['SluiceReconcileSlow']).toMatchObject({
    expr: expect.stringMatching(/\) > 45$/),
    for: '1h',
    labels: { severity: 'critical', controller: 'kustomize-controller' },
    annotations: { runbook_url: 'https://git.example.com/runbooks.md#sluicereconcileslow' },
  });
  expect(alerts['SluiceReconcileStuck']).toMatchObject({
    expr: expect.stringMatching(/\) > 900$/),
    for: '5m',
  });
  expect(alerts).not.toHaveProperty('SluiceResourceSuspended');
  const { labels } = find(objects, 'PrometheusRule', 'kustomize-controller').metadata;
  expect(labels).toMatchObject({ release: 'prometheus' });
});

test('what a controller sets for a rule wins over the top, for that controller alone', async () => {
  const objects = await render('sluice', [
    'prometheus.rules.create=true',
    'prometheus.rules.overrides={"SluiceReconcileSlow":{"threshold":45}}',
    'helmController.prometheus={"rules":{"overrides":{"SluiceReconcileSlow":{"threshold":50}}}}',
  ]);
  expect(alertsOf(objects, 'helm-controller')['SluiceReconcileSlow']?.expr).toMatch(/> 50$/);
  expect(alertsOf(objects, 'source-controller')['SluiceReconcileSlow']?.expr).toMatch(/> 45$/);
});

test.each([
  {
    name: 'an alert that does not exist',
    overrides: '{"SluiceNothing":{"enabled":false}}',
    message: /SluiceNothing/,
  },
  {
    name: 'a word that means nothing',
    overrides: '{"SluiceReconcileSlow":{"limit":3}}',
    message: /limit/,
  },
  {
    name: 'a threshold of an alert that has none',
    overrides: '{"SluiceLeaderMissing":{"threshold":3}}',
    message:
      /SluiceLeaderMissing.threshold: this alert has no threshold; set enabled, for or severity/,
  },
])('an override with $name is refused', async ({ overrides, message }) => {
  const settings = ['prometheus.rules.create=true', `prometheus.rules.overrides=${overrides}`];
  await expect(render('source-controller', settings)).rejects.toThrow(message);
});

test('dashboards are installed as they are in their files', async () => {
  const objects = await render('sluice', [
    'prometheus.dashboards.create=true',
    'prometheus.dashboards.namespace=monitoring',
  ]);
  for (const name of ['cluster', 'control-plane', 'delivery', 'logs']) {
    const { metadata, ...map } = find(objects, 'ConfigMap', `sluice-dashboard-${name}`);
    const file = readFileSync(join(root, `charts/sluice/files/dashboards/${name}.json`), 'utf8');
    expect(map['data']).toEqual({ [`${name}.json`]: file.trim() });
    expect(metadata).toMatchObject({
      namespace: 'monitoring',
      labels: { grafana_dashboard: '1' },
      annotations: { grafana_folder: 'Sluice' },
    });
  }
});

test('kube-state-metrics gets its configuration and may read each kind that is in it', async () => {
  const objects = await render('sluice', [
    withAll,
    'prometheus.kubeStateMetrics.create=true',
    'prometheus.kubeStateMetrics.namespace=monitoring',
    'prometheus.kubeStateMetrics.rbac.serviceAccount.name=ksm',
  ]);
  const name = 'sluice-kube-state-metrics';
  const map = find(objects, 'ConfigMap', name);
  const config = load(map['data']['config.yaml']) as CustomResourceStateMetrics;
  expect(config).toEqual(kubeStateMetricsConfig());

  const rules = find(objects, 'ClusterRole', name)['rules'] as Record<string, string[]>[];
  const granted = rules.flatMap(({ apiGroups = [], resources = [], verbs = [] }) =>
    resources.map((resource) => `${resource}.${apiGroups[0]} ${verbs.join(',')}`),
  );
  const definitions = objects.filter(
    ({ kind, spec }) => kind === 'CustomResourceDefinition' && spec.group !== deliveryGroup,
  );
  const wanted = definitions.map(({ metadata }) => `${metadata.name} list,watch`);
  expect(granted.sort()).toEqual(
    [...wanted, 'customresourcedefinitions.apiextensions.k8s.io list,watch'].sort(),
  );
  expect(find(objects, 'ClusterRoleBinding', name)['subjects']).toEqual([
    { kind: 'ServiceAccount', name: 'ksm', namespace: 'monitoring' },
  ]);
});
