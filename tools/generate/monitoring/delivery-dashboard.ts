import { type Dashboard, graph, type Row, stat } from './dashboard.ts';

const own = 'exported_namespace=~"$namespace",kind=~"$kind"';
const range = '[$__range]';
const interval = '[$__rate_interval]';

const quantile = (of: number, metric: string, over: string) =>
  `histogram_quantile(${of}, sum by (le) (rate(${metric}_bucket{${own}}${over})))`;
const deployed = (matcher: string, over: string) =>
  `sum(increase(sluice_deployments_total{${own}${matcher}}${over}))`;

const figures: Row = {
  title: 'Figures of the chosen time',
  panels: [
    stat({
      title: 'Deployments a day',
      description: 'Revisions with which an object became ready.',
      unit: 'none',
      queries: [
        { expr: `sum(rate(sluice_deployments_total{${own},result="succeeded"}${range})) * 86400` },
      ],
    }),
    stat({
      title: 'Lead time',
      description: 'From a commit until it was deployed and ready: half of them took no longer.',
      unit: 's',
      limits: { warning: 3600, critical: 86_400 },
      queries: [{ expr: quantile(0.5, 'sluice_commit_to_ready_seconds', range) }],
    }),
    stat({
      title: 'Changes that failed',
      description:
        'Of all revisions that were tried, those with which an object did not become ready.',
      unit: 'percentunit',
      limits: { warning: 0.15, critical: 0.3 },
      queries: [{ expr: `${deployed(',result="failed"', range)} / ${deployed('', range)}` }],
    }),
    stat({
      title: 'Time to restore',
      description: 'From a failure until the object was ready again: half of them took no longer.',
      unit: 's',
      limits: { warning: 3600, critical: 86_400 },
      queries: [{ expr: quantile(0.5, 'sluice_restore_seconds', range) }],
    }),
  ],
};

const course: Row = {
  title: 'Course',
  panels: [
    graph({
      title: 'Deployments an hour',
      description: 'Revisions an hour, by how they ended.',
      unit: 'none',
      stacked: true,
      queries: [
        {
          expr: `sum by (result) (increase(sluice_deployments_total{${own}}[1h]))`,
          legend: '{{result}}',
        },
      ],
    }),
    graph({
      title: 'Lead time over time',
      description: 'From a commit until it was deployed and ready: half and 90 % took no longer.',
      unit: 's',
      queries: [0.5, 0.9].map((of) => ({
        expr: quantile(of, 'sluice_commit_to_ready_seconds', interval),
        legend: `p${of * 100}`,
      })),
    }),
    graph({
      title: 'Time to restore over time',
      description: 'From a failure until the object was ready again: half and 90 % took no longer.',
      unit: 's',
      queries: [0.5, 0.9].map((of) => ({
        expr: quantile(of, 'sluice_restore_seconds', interval),
        legend: `p${of * 100}`,
      })),
    }),
    graph({
      title: 'Where changes fail',
      description: 'The ten objects with the most failed changes in a day.',
      unit: 'none',
      queries: [
        {
          expr: `topk(10, sum by (kind, exported_namespace, name) (increase(sluice_deployments_total{${own},result="failed"}[1d])) > 0)`,
          legend: '{{kind}} {{exported_namespace}}/{{name}}',
        },
      ],
    }),
  ],
};

/** The four figures of delivery, after DORA. */
export const deliveryDashboard: Dashboard = {
  uid: 'sluice-delivery',
  title: 'Sluice / Delivery',
  description: 'How often, how fast and how well Kustomizations and HelmReleases are deployed.',
  tags: ['sluice', 'flux'],
  datasource: 'prometheus',
  variables: [
    {
      name: 'namespace',
      label: 'Namespace',
      query: 'label_values(sluice_deployments_total, exported_namespace)',
      multiple: true,
    },
    {
      name: 'kind',
      label: 'Kind',
      query: 'label_values(sluice_deployments_total, kind)',
      multiple: true,
    },
  ],
  rows: [figures, course],
};
