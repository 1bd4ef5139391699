import { chosen, interval, pods } from './control-plane-queries.ts';
import { graph, type Row } from './dashboard.ts';

/** Events on their way to people. */
export const events: Row = {
  title: 'Events and alerts',
  panels: [
    graph({
      title: 'Outbox',
      description: 'Events that wait on disk.',
      unit: 'none',
      queries: [{ expr: chosen(`sluice_outbox_depth{${pods}}`), legend: '{{pod}}' }],
    }),
    graph({
      title: 'Age of the oldest waiting event',
      description: 'It grows while NATS, or the notification-controller, is away.',
      unit: 's',
      queries: [{ expr: chosen(`sluice_outbox_oldest_seconds{${pods}}`), legend: '{{pod}}' }],
    }),
    graph({
      title: 'Connection to NATS',
      description: '1 while it stands.',
      unit: 'none',
      queries: [{ expr: chosen(`sluice_nats_connected{${pods}}`), legend: '{{pod}}' }],
    }),
    graph({
      title: 'Deliveries',
      description: 'Attempts a second by type of provider and result.',
      unit: 'ops',
      queries: [
        {
          expr: `sum by (provider_type, result) (rate(sluice_deliveries_total{${pods}}${interval}))`,
          legend: '{{provider_type}} {{result}}',
        },
      ],
    }),
    graph({
      title: 'From event to delivery',
      description: '90 % of the deliveries take no longer.',
      unit: 's',
      queries: [
        {
          expr: `histogram_quantile(0.9, sum by (provider_type, le) (rate(sluice_delivery_seconds_bucket{${pods}}${interval})))`,
          legend: '{{provider_type}}',
        },
      ],
    }),
    graph({
      title: 'Webhooks',
      description: 'Webhooks a second by status of the answer.',
      unit: 'reqps',
      stacked: true,
      queries: [
        {
          expr: `sum by (code) (rate(gotk_receiver_http_request_duration_seconds_count{${pods}}${interval}))`,
          legend: '{{code}}',
        },
      ],
    }),
  ],
};

/** What the controllers do. */
export const work: Row = {
  title: 'Builds and releases',
  panels: [
    graph({
      title: 'Kustomize builds',
      description: 'Builds a second by how their objects were obtained.',
      unit: 'ops',
      stacked: true,
      queries: [
        {
          expr: `sum by (result) (rate(sluice_kustomize_builds_total{${pods}}${interval}))`,
          legend: '{{result}}',
        },
      ],
    }),
    graph({
      title: 'Helm actions',
      description: 'Actions on releases a second by their end.',
      unit: 'ops',
      stacked: true,
      queries: [
        {
          expr: `sum by (action, result) (rate(sluice_helm_actions_total{${pods}}${interval}))`,
          legend: '{{action}} {{result}}',
        },
      ],
    }),
    graph({
      title: 'Runs of helm, and reconciles without one',
      description: 'The fewer runs, the less CPU.',
      unit: 'ops',
      queries: [
        { expr: `sum(rate(sluice_helm_renderings_total{${pods}}${interval}))`, legend: 'runs' },
        { expr: `sum(rate(sluice_helm_unchanged_total{${pods}}${interval}))`, legend: 'unchanged' },
      ],
    }),
  ],
};
