import { type Dashboard, graph, type Panel, type Row, stat, table } from './dashboard.ts';

const info = 'exported_namespace=~"$namespace",customresource_kind=~"$kind"';
const own = 'exported_namespace=~"$namespace",kind=~"$kind"';
const interval = '[$__rate_interval]';

/** Objects in a state, by what kube-state-metrics says. */
function counted(title: string, description: string, matchers: string, limits?: Panel['limits']) {
  return stat({
    title,
    description,
    unit: 'none',
    ...(limits ? { limits } : {}),
    queries: [{ expr: `count(gotk_resource_info{${info}${matchers}})` }],
  });
}

const overview: Row = {
  title: 'Overview',
  panels: [
    counted('Objects', 'All objects of the chosen kinds and namespaces.', ''),
    counted('Ready', 'Objects whose Ready condition is True.', ',ready="True"'),
    counted(
      'Failing',
      'Objects that fail and are not suspended.',
      ',ready="False",suspended!="true"',
      {
        warning: 1,
        critical: 5,
      },
    ),
    counted('Under way', 'Objects whose Ready condition is Unknown.', ',ready="Unknown"'),
    counted('Suspended', 'Objects that follow no change.', ',suspended="true"', {
      warning: 1,
      critical: 100,
    }),
    stat({
      title: 'Drifting objects',
      description: 'Applied objects that differ from their source and are left so.',
      unit: 'none',
      limits: { warning: 1, critical: 10 },
      queries: [{ expr: `sum(sluice_drifted_objects{${own}})` }],
    }),
  ],
};

const headings = {
  customresource_kind: 'Kind',
  exported_namespace: 'Namespace',
  name: 'Name',
  ready: 'Ready',
  suspended: 'Suspended',
  revision: 'Revision',
};

const objects: Row = {
  title: 'Objects',
  panels: [
    table(
      {
        title: 'What fails',
        description: 'flux get and kubectl describe show the message of the Ready condition.',
        unit: 'none',
        columns: headings,
        queries: [{ expr: `gotk_resource_info{${info},ready="False",suspended!="true"}` }],
      },
      12,
    ),
    table(
      {
        title: 'What is suspended',
        description: 'Objects that follow no change until they are resumed.',
        unit: 'none',
        columns: headings,
        queries: [{ expr: `gotk_resource_info{${info},suspended="true"}` }],
      },
      12,
    ),
    table({
      title: 'All objects',
      description: 'State and revision, by kube-state-metrics.',
      unit: 'none',
      columns: { ...headings, source_name: 'Source', chart_name: 'Chart', url: 'URL' },
      queries: [{ expr: `gotk_resource_info{${info}}` }],
    }),
  ],
};

const changes: Row = {
  title: 'Changes',
  panels: [
    graph({
      title: 'Failing by kind',
      description: 'By kind, as the controllers report it.',
      unit: 'none',
      stacked: true,
      queries: [
        {
          expr: `sum by (kind) (sluice_resource_condition{${own},type="Ready",status="False"})`,
          legend: '{{kind}}',
        },
      ],
    }),
    graph({
      title: 'Time to ready',
      description:
        'From a new artifact to a ready Kustomization: half and 90 % of the changes take no longer.',
      unit: 's',
      queries: [0.5, 0.9].map((quantile) => ({
        expr: `histogram_quantile(${quantile}, sum by (le) (rate(sluice_artifact_to_ready_seconds_bucket${interval})))`,
        legend: `p${quantile * 100}`,
      })),
    }),
    graph({
      title: 'Wait for health',
      description: 'How long applied objects took to become healthy.',
      unit: 's',
      queries: [0.5, 0.9].map((quantile) => ({
        expr: `histogram_quantile(${quantile}, sum by (le) (rate(sluice_health_wait_seconds_bucket${interval})))`,
        legend: `p${quantile * 100}`,
      })),
    }),
    graph({
      title: 'Drift',
      description: 'Changes by others a minute, and what was done about them.',
      unit: 'opm',
      queries: [
        {
          expr: `sum by (action) (rate(sluice_drift_total{${own}}${interval})) * 60`,
          legend: '{{action}}',
        },
      ],
    }),
    graph({
      title: 'Slowest reconciles',
      description: 'Average duration of the ten slowest objects.',
      unit: 's',
      queries: [
        {
          expr: `topk(10, sum by (kind, exported_namespace, name) (rate(gotk_reconcile_duration_seconds_sum{${own}}${interval})) / sum by (kind, exported_namespace, name) (rate(gotk_reconcile_duration_seconds_count{${own}}${interval})))`,
          legend: '{{kind}} {{exported_namespace}}/{{name}}',
        },
      ],
    }),
    graph({
      title: 'Sources that were not looked at',
      description: 'Time since the last success, in intervals of the source; ten highest.',
      unit: 'none',
      queries: [
        {
          expr: `topk(10, max by (kind, exported_namespace, name) (time() - sluice_resource_last_success_timestamp_seconds{${own},kind=~"GitRepository|OCIRepository|HelmRepository|HelmChart|Bucket"}) / max by (kind, exported_namespace, name) (sluice_resource_interval_seconds{${own}}))`,
          legend: '{{kind}} {{exported_namespace}}/{{name}}',
        },
      ],
    }),
  ],
};

const telling: Row = {
  title: 'Alerts',
  panels: [
    graph(
      {
        title: 'Alerts delivered',
        description: 'Deliveries an hour by type of provider.',
        unit: 'none',
        queries: [
          {
            expr: 'sum by (provider_type) (increase(sluice_deliveries_total{result="delivered"}[1h]))',
            legend: '{{provider_type}}',
          },
        ],
      },
      12,
    ),
    graph(
      {
        title: 'Alerts that did not arrive',
        description: 'Attempts that failed and deliveries that were given up, an hour.',
        unit: 'none',
        queries: [
          {
            expr: 'sum by (provider_type) (increase(sluice_deliveries_total{result="failed"}[1h]))',
            legend: '{{provider_type}} failed',
          },
          { expr: 'sum(increase(sluice_dead_letters_total[1h]))', legend: 'given up' },
        ],
      },
      12,
    ),
  ],
};

/** The state of what is managed. */
export const clusterDashboard: Dashboard = {
  uid: 'sluice-cluster',
  title: 'Sluice / Cluster',
  description: 'State of sources, Kustomizations, HelmReleases and Receivers.',
  tags: ['sluice', 'flux'],
  datasource: 'prometheus',
  variables: [
    {
      name: 'namespace',
      label: 'Namespace',
      query: 'label_values(gotk_resource_info, exported_namespace)',
      multiple: true,
    },
    {
      name: 'kind',
      label: 'Kind',
      query: 'label_values(gotk_resource_info, customresource_kind)',
      multiple: true,
    },
  ],
  rows: [overview, objects, changes, telling],
};
