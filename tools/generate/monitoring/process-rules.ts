import {
  type AlertRule,
  type ControllerScope,
  inNamespace,
  ofController,
  queueMatcher,
  rule,
} from './rule.ts';

/** What every controller is watched for as a process: it runs, leads, keeps up, and hands its events over. */
export function processRules(controller: ControllerScope): AlertRule[] {
  return [
    ...runningRules(controller),
    ...watchRules(controller),
    ...workRules(controller),
    ...eventRules(controller),
  ];
}

function runningRules(controller: ControllerScope): AlertRule[] {
  const { name } = controller;
  return [
    rule('SluiceControllerDown', controller, {
      expr: `absent(sluice_build_info{controller="${name}",${inNamespace}})\nor\nkube_deployment_status_replicas_available{deployment=~"${name}(-.+)?",${inNamespace}} == 0`,
      for: '5m',
      severity: 'critical',
      summary: `${name} is down`,
      description: `No process of ${name} answers. What it manages stays as it is and follows no change.`,
    }),
    rule('SluiceControllerRestarting', controller, {
      expr: `${ofController('changes(process_start_time_seconds[30m])', controller)} > 3`,
      keepFiringFor: '10m',
      severity: 'warning',
      summary: `${name} keeps restarting`,
      description: '{{ $labels.pod }} started again {{ $value }} times within 30 minutes.',
    }),
    rule('SluiceLeaderMissing', controller, {
      expr: `max by (namespace, name) (leader_election_master_status{name=~"${name}-leader-election.*",${inNamespace}}) == 0`,
      for: '2m',
      severity: 'critical',
      summary: `No replica of ${name} leads`,
      description:
        'Replicas run, but none holds the Lease {{ $labels.name }}: nothing is reconciled.',
    }),
    rule('SluiceEventLoopDelayed', controller, {
      expr: `${ofController('sluice_event_loop_delay_seconds{quantile="0.99"}', controller)} > 1`,
      for: '10m',
      severity: 'warning',
      summary: `${name} is short of CPU`,
      description: 'Timers of {{ $labels.pod }} run {{ $value | humanizeDuration }} late.',
    }),
    rule('SluiceApiRequestsFailing', controller, {
      expr: failingRequests(controller),
      for: '10m',
      severity: 'warning',
      summary: `Requests of ${name} to the API server fail`,
      description:
        '{{ $value | humanizePercentage }} of the requests of {{ $labels.pod }} to {{ $labels.host }} got a server error or no answer.',
    }),
  ];
}

function watchRules(controller: ControllerScope): AlertRule[] {
  const { name } = controller;
  return [
    rule('SluiceWatchBehind', controller, {
      expr: `${ofController('sluice_watch_synced', controller)} == 0`,
      for: '10m',
      severity: 'warning',
      summary: `${name} does not see what changes`,
      description:
        'The watch of {{ $labels.resource }} of {{ $labels.pod }} is not current: changes of these objects are not noticed.',
    }),
  ];
}

/** The share of requests that got a 5xx or, with the code of the error in place of a status, no answer. */
function failingRequests(controller: ControllerScope): string {
  const rate = (matcher: string) =>
    `sum by (namespace, pod, host) (${ofController(`rate(rest_client_requests_total${matcher}[5m])`, controller)})`;
  return `${rate('{code!~"[1-4].."}')}\n/\n${rate('')} > 0.1`;
}

function workRules(controller: ControllerScope): AlertRule[] {
  const { name } = controller;
  const queues = `${queueMatcher('name', controller)},${inNamespace}`;
  const kinds = `${queueMatcher('controller', controller)},${inNamespace}`;
  const slowReconciles = `sum by (namespace, kind, le) (\n  label_replace(rate(controller_runtime_reconcile_time_seconds_bucket{${kinds}}[15m]), "kind", "$1", "controller", "(.+)")\n)`;
  return [
    rule('SluiceQueueNotDrained', controller, {
      expr: `sum by (namespace, pod, name) (min_over_time(workqueue_depth{${queues}}[15m])) > 0`,
      for: '15m',
      severity: 'warning',
      summary: `${name} does not keep up`,
      description:
        'The queue {{ $labels.name }} of {{ $labels.pod }} does not get empty; at least {{ $value }} objects wait.',
    }),
    rule('SluiceReconcileStuck', controller, {
      expr: `max by (namespace, pod, name) (workqueue_longest_running_processor_seconds{${queues}}) > 900`,
      for: '5m',
      severity: 'warning',
      summary: `A reconcile of ${name} does not end`,
      description:
        'A reconcile in the queue {{ $labels.name }} of {{ $labels.pod }} runs since {{ $value | humanizeDuration }}. Waiting for health holds no slot, so this is work that hangs.',
    }),
    rule('SluiceReconcileSlow', controller, {
      expr: `histogram_quantile(0.99, ${slowReconciles}) > 30`,
      for: '15m',
      severity: 'warning',
      summary: `Reconciles of ${name} are slow`,
      description:
        'One in a hundred reconciles of kind {{ $labels.kind }} takes longer than {{ $value | humanizeDuration }}.',
    }),
    rule('SluiceReconcilePanicked', controller, {
      expr: `sum by (namespace, pod) (increase(controller_runtime_reconcile_panics_total{${kinds}}[1h])) > 0`,
      severity: 'warning',
      summary: `${name} ran into a bug`,
      description: 'Reconciles of {{ $labels.pod }} ended by an error of the program itself.',
    }),
  ];
}

function eventRules(controller: ControllerScope): AlertRule[] {
  const { name } = controller;
  const of = (expr: string) => ofController(expr, controller);
  return [
    rule('SluiceEventsWaiting', controller, {
      expr: `${of('sluice_outbox_oldest_seconds')} > 900`,
      for: '5m',
      severity: 'warning',
      summary: `Events of ${name} are not handed over`,
      description:
        'The oldest event in the outbox of {{ $labels.pod }} waits since {{ $value | humanizeDuration }}; alerts are late.',
    }),
    rule('SluiceOutboxGrowing', controller, {
      expr: `${of('delta(sluice_outbox_depth[30m])')} > 50`,
      for: '10m',
      severity: 'warning',
      summary: `The outbox of ${name} grows`,
      description:
        'The outbox of {{ $labels.pod }} holds {{ $value | humanize }} events more than half an hour ago.',
    }),
    rule('SluiceEventsDropped', controller, {
      expr: `${of('increase(sluice_outbox_dropped_total[1h])')} > 0`,
      severity: 'critical',
      summary: `${name} lost events`,
      description:
        'The outbox of {{ $labels.pod }} was full and {{ $value | humanize }} events were dropped: their alerts are never sent.',
    }),
    rule('SluiceEventsRefused', controller, {
      expr: `${of('increase(sluice_outbox_dead_letters_total[1h])')} > 0`,
      severity: 'warning',
      summary: `Events of ${name} can never be handed over`,
      description:
        '{{ $value | humanize }} events of {{ $labels.pod }} were refused for good: their alerts are not sent.',
    }),
    rule('SluiceNatsUnreachable', controller, {
      expr: `${of('sluice_nats_connected')} == 0`,
      for: '5m',
      severity: 'warning',
      summary: `${name} has no connection to NATS`,
      description:
        '{{ $labels.pod }} does not reach NATS. Reconciling goes on; alerts wait on disk.',
    }),
  ];
}
