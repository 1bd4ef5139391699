import { alertNames } from '../../generate/monitoring/rules.ts';
import { group, text, texts, toggle, type Value, type ValueTree } from './node.ts';

const override = {
  type: 'object',
  properties: {
    enabled: { type: 'boolean', description: 'Whether the rule is installed.' },
    for: {
      type: 'string',
      pattern: '^([0-9]+(ms|[smhdwy]))+$',
      description: 'Time for which it has to hold.',
    },
    severity: { type: 'string', minLength: 1, description: 'Value of the label severity.' },
    threshold: {
      type: 'number',
      minimum: 0,
      description: 'Number at the end of the expression, above which it fires.',
    },
  },
  additionalProperties: false,
};

/** The alerting rules of a controller. */
export const rules: Value = group('PrometheusRules of the Prometheus operator.', {
  create: toggle(false, 'Create a PrometheusRule for each controller.'),
  additionalLabels: texts(
    'More labels of the PrometheusRules, by which a Prometheus selects them.',
  ),
  runbookURL: text(
    'docs/runbooks.md#',
    'What stands before the name of an alert, in small letters, in the annotation runbook_url: the address of docs/runbooks.md where your people read it, with # at its end.',
  ),
  overrides: {
    description:
      'Changes of single rules by the name of the alert: enabled, for, severity, threshold; docs/runbooks.md lists the alerts.',
    default: {},
    schema: {
      type: 'object',
      patternProperties: { [`^(${alertNames().join('|')})$`]: override },
      additionalProperties: false,
    },
  },
});

/** What the umbrella has for monitoring and a single controller has not. */
const monitoringOfInstallation: ValueTree = {
  dashboards: group('Dashboards for Grafana, as ConfigMaps that its sidecar finds.', {
    create: toggle(false, 'Create a ConfigMap for each dashboard.'),
    labels: texts('Labels of the ConfigMaps, by which the sidecar finds them.', {
      grafana_dashboard: '1',
    }),
    annotations: texts('Annotations of the ConfigMaps; this one names the folder.', {
      grafana_folder: 'Sluice',
    }),
    namespace: text('', 'Namespace of the ConfigMaps; empty for that of the release.'),
  }),
  kubeStateMetrics: group('The configuration of kube-state-metrics for gotk_resource_info.', {
    create: toggle(false, 'Create a ConfigMap with it, under the key config.yaml.'),
    name: text('sluice-kube-state-metrics', 'Name of the ConfigMap.'),
    namespace: text(
      '',
      'Namespace of the ConfigMap, which is where kube-state-metrics runs; empty for that of the release.',
    ),
    rbac: group('What kube-state-metrics may read.', {
      create: toggle(true, 'Create a ClusterRole for it: list and watch of all kinds.'),
      serviceAccount: group('ServiceAccount of kube-state-metrics, to which the role is bound.', {
        name: text('', 'Its name; empty for no binding.'),
        namespace: text('', 'Its namespace; empty for that of the ConfigMap.'),
      }),
    }),
  }),
};

/** The values of the installation with what only the umbrella has for monitoring. */
export function withMonitoring(tree: ValueTree): ValueTree {
  const { prometheus } = tree;
  if (prometheus === undefined) throw new Error('there is no value prometheus');
  const children = { ...prometheus.children, ...monitoringOfInstallation };
  return { ...tree, prometheus: { ...prometheus, children } };
}
