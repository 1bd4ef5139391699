import { chosen, info, interval, pods, quantile } from './control-plane-queries.ts';
import { events, work } from './control-plane-rows.ts';
import { type Dashboard, graph, type Row, stat } from './dashboard.ts';

const overview: Row = {
  title: 'Overview',
  panels: [
    stat({
      title: 'Processes',
      description: 'Processes of the chosen controllers that answer.',
      unit: 'none',
      queries: [{ expr: `count(${info})` }],
    }),
    stat({
      title: 'Leaders',
      description: 'Processes that hold a Lease; none without leader election.',
      unit: 'none',
      queries: [{ expr: `sum(${chosen(`leader_election_master_status{${pods}}`)})` }],
    }),
    stat({
      title: 'Failed reconciles',
      description: 'Share of the reconciles of the last quarter of an hour that failed.',
      unit: 'percentunit',
      limits: { warning: 0.05, critical: 0.2 },
      queries: [
        {
          expr: `sum(${chosen(`rate(controller_runtime_reconcile_errors_total{${pods}}[15m])`)}) / sum(${chosen(`rate(controller_runtime_reconcile_total{${pods}}[15m])`)})`,
        },
      ],
    }),
    stat({
      title: 'Waiting objects',
      description: 'Objects in the queues.',
      unit: 'none',
      queries: [{ expr: `sum(${chosen(`workqueue_depth{${pods}}`)})` }],
    }),
    stat({
      title: 'Waiting events',
      description: 'Events on disk that NATS, or the notification-controller, does not have yet.',
      unit: 'none',
      limits: { warning: 100, critical: 1000 },
      queries: [{ expr: `sum(${chosen(`sluice_outbox_depth{${pods}}`)})` }],
    }),
    stat({
      title: 'Dead letters',
      description: 'Deliveries that were given up in the chosen time.',
      unit: 'none',
      limits: { warning: 1, critical: 10 },
      queries: [{ expr: `sum(increase(sluice_dead_letters_total{${pods}}[$__range]))` }],
    }),
  ],
};

const reconciles: Row = {
  title: 'Reconciles',
  panels: [
    graph({
      title: 'Reconciles by kind',
      description: 'Reconciles a second.',
      unit: 'ops',
      stacked: true,
      queries: [
        {
          expr: `sum by (controller) (${chosen(`rate(controller_runtime_reconcile_total{${pods}}${interval})`)})`,
          legend: '{{controller}}',
        },
      ],
    }),
    graph({
      title: 'Failed reconciles by kind',
      description: 'Failures a second; those that only a change of the object ends, apart.',
      unit: 'ops',
      queries: [
        {
          expr: `sum by (controller) (${chosen(`rate(controller_runtime_reconcile_errors_total{${pods}}${interval})`)})`,
          legend: '{{controller}}',
        },
        {
          expr: `sum by (controller) (${chosen(`rate(controller_runtime_terminal_reconcile_errors_total{${pods}}${interval})`)})`,
          legend: '{{controller}} stalled',
        },
      ],
    }),
    graph({
      title: 'Duration by kind',
      description:
        'Half and 99 % of the reconciles take no longer. Waiting for health is not among it.',
      unit: 's',
      queries: [
        {
          expr: quantile(0.5, 'controller', 'controller_runtime_reconcile_time_seconds'),
          legend: '{{controller}} p50',
        },
        {
          expr: quantile(0.99, 'controller', 'controller_runtime_reconcile_time_seconds'),
          legend: '{{controller}} p99',
        },
      ],
    }),
    graph({
      title: 'Queue by kind',
      description: 'Objects that wait to be reconciled.',
      unit: 'none',
      stacked: true,
      queries: [
        {
          expr: `sum by (name) (${chosen(`workqueue_depth{${pods}}`)})`,
          legend: '{{name}}',
        },
      ],
    }),
    graph({
      title: 'Wait in the queue',
      description: '99 % of the objects wait no longer before they are reconciled.',
      unit: 's',
      queries: [
        { expr: quantile(0.99, 'name', 'workqueue_queue_duration_seconds'), legend: '{{name}}' },
      ],
    }),
    graph({
      title: 'Workers in use',
      description: 'Reconciles that run now, of those that may run at once (--concurrent).',
      unit: 'percentunit',
      queries: [
        {
          expr: `sum by (controller) (${chosen(`controller_runtime_active_workers{${pods}}`)}) / sum by (controller) (${chosen(`controller_runtime_max_concurrent_reconciles{${pods}}`)})`,
          legend: '{{controller}}',
        },
      ],
    }),
  ],
};

const processes: Row = {
  title: 'Processes',
  panels: [
    graph({
      title: 'CPU',
      description: 'Cores in use, without the programs that the controller starts.',
      unit: 'none',
      queries: [
        {
          expr: chosen(`rate(process_cpu_seconds_total{${pods}}${interval})`),
          legend: '{{pod}}',
        },
      ],
    }),
    graph({
      title: 'Memory',
      description: 'Resident memory, without the programs that the controller starts.',
      unit: 'bytes',
      queries: [
        { expr: chosen(`process_resident_memory_bytes{${pods}}`), legend: '{{pod}}' },
        { expr: chosen(`go_memstats_alloc_bytes{${pods}}`), legend: '{{pod}} heap' },
      ],
    }),
    graph({
      title: 'Event loop delay',
      description: 'How late timers run (99 %). Above a second, probes and leases suffer.',
      unit: 's',
      queries: [
        {
          expr: chosen(`sluice_event_loop_delay_seconds{${pods},quantile="0.99"}`),
          legend: '{{pod}}',
        },
      ],
    }),
    graph({
      title: 'Requests to the API server',
      description: 'Requests a second by method.',
      unit: 'reqps',
      stacked: true,
      queries: [
        {
          expr: `sum by (method) (${chosen(`rate(rest_client_requests_total{${pods}}${interval})`)})`,
          legend: '{{method}}',
        },
      ],
    }),
    graph({
      title: 'Refused and failed requests',
      description: 'Answers of 400 and above, and errors of the connection, by code.',
      unit: 'reqps',
      queries: [
        {
          expr: `sum by (code) (${chosen(`rate(rest_client_requests_total{${pods},code!~"[123].."}${interval})`)})`,
          legend: '{{code}}',
        },
      ],
    }),
    graph({
      title: 'Restarts',
      description: 'Starts of processes within half an hour.',
      unit: 'none',
      queries: [
        { expr: chosen(`changes(process_start_time_seconds{${pods}}[30m])`), legend: '{{pod}}' },
      ],
    }),
  ],
};

/** The health of the controllers themselves. */
export const controlPlaneDashboard: Dashboard = {
  uid: 'sluice-control-plane',
  title: 'Sluice / Control plane',
  description: 'Health of the controllers: reconciles, queues, processes, events and alerts.',
  tags: ['sluice', 'flux'],
  datasource: 'prometheus',
  variables: [
    {
      name: 'namespace',
      label: 'Installation',
      query: 'label_values(sluice_build_info, namespace)',
      multiple: false,
    },
    {
      name: 'controller',
      label: 'Controller',
      query: 'label_values(sluice_build_info{namespace="$namespace"}, controller)',
      multiple: true,
    },
  ],
  rows: [overview, reconciles, processes, events, work],
};
