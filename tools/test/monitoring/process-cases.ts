import { type Labels, type RuleCase, series } from './promtool.ts';

/** The labels that the scrape of a PodMonitor adds. */
export function scraped(controller: string, replica = 'a'): Labels {
  return {
    namespace: 'flux-system',
    pod: `${controller}-${replica}`,
    container: 'manager',
    job: 'flux-system/controllers',
    instance: `10.0.0.1:8080-${controller}-${replica}`,
  };
}

const otherOf = (controller: string) =>
  controller === 'source-controller' ? 'helm-controller' : 'source-controller';

/** A process of the controller that answers to the end of the scenario. */
export function running(controller: string, replica = 'a'): Record<string, string> {
  return {
    [series('sluice_build_info', { controller, node: 'v24', ...scraped(controller, replica) })]:
      '1x2000',
  };
}

/**
 * The scenarios of the rules that every controller has.
 *
 * @param controller its name
 * @param kind one of its kinds, in lower case
 */
export function processCases(controller: string, kind: string): RuleCase[] {
  return [
    ...downCases(controller),
    ...restartCases(controller),
    ...leaderCases(controller),
    ...eventLoopCases(controller),
    ...requestCases(controller),
    ...watchCases(controller),
    ...queueCases(controller, kind),
    ...reconcileCases(controller, kind),
  ];
}

function downCases(controller: string): RuleCase[] {
  const alert = 'SluiceControllerDown';
  const replicas = (deployment: string) =>
    series('kube_deployment_status_replicas_available', { namespace: 'flux-system', deployment });
  return [
    {
      alert,
      name: 'no process answers',
      series: running(otherOf(controller)),
      at: 6,
      fires: [{}],
    },
    {
      alert,
      name: 'the processes of one shard are away',
      series: { ...running(controller), [replicas(`${controller}-shard1`)]: '0x20' },
      at: 6,
      fires: [{ namespace: 'flux-system', deployment: `${controller}-shard1` }],
    },
    {
      alert,
      name: 'silent while a process answers',
      series: { ...running(controller), [replicas(controller)]: '1x20' },
      at: 6,
      fires: [],
    },
  ];
}

function restartCases(controller: string): RuleCase[] {
  const alert = 'SluiceControllerRestarting';
  const started = series('process_start_time_seconds', scraped(controller));
  const restarts = (values: string) => ({ ...running(controller), [started]: values });
  const { namespace, pod, container, job, instance } = scraped(controller) as Required<Labels>;
  return [
    {
      alert,
      name: 'five starts in half an hour',
      series: restarts('0x5 300x5 600x5 900x5 1200x5'),
      at: 29,
      fires: [{ namespace, pod, container, job, instance } as Labels],
    },
    { alert, name: 'silent after one restart', series: restarts('0x5 300x40'), at: 29, fires: [] },
  ];
}

function leaderCases(controller: string): RuleCase[] {
  const alert = 'SluiceLeaderMissing';
  const name = `${controller}-leader-election`;
  const status = (replica: string) =>
    series('leader_election_master_status', { name, ...scraped(controller, replica) });
  return [
    {
      alert,
      name: 'no replica leads',
      series: { [status('a')]: '0x20', [status('b')]: '0x20' },
      at: 5,
      fires: [{ namespace: 'flux-system', name }],
    },
    {
      alert,
      name: 'silent while one leads',
      series: { [status('a')]: '0x20', [status('b')]: '1x20' },
      at: 5,
      fires: [],
    },
    { alert, name: 'silent without election', series: running(controller), at: 5, fires: [] },
  ];
}

function eventLoopCases(controller: string): RuleCase[] {
  const alert = 'SluiceEventLoopDelayed';
  const delay = (quantile: string, of = controller) =>
    series('sluice_event_loop_delay_seconds', { quantile, ...scraped(of) });
  const up = { ...running(controller), ...running(otherOf(controller)) };
  return [
    {
      alert,
      name: 'timers are late',
      series: { ...up, [delay('0.99')]: '2x20' },
      at: 12,
      fires: [{ quantile: '0.99', ...scraped(controller) }],
    },
    {
      alert,
      name: 'silent after one pause',
      series: { ...up, [delay('0.99')]: '0.01x20', [delay('1')]: '3x20' },
      at: 12,
      fires: [],
    },
    {
      alert,
      name: 'silent about another controller',
      series: { ...up, [delay('0.99', otherOf(controller))]: '2x20' },
      at: 12,
      fires: [],
    },
  ];
}

function watchCases(controller: string): RuleCase[] {
  const alert = 'SluiceWatchBehind';
  const resource = 'secrets';
  const synced = (replica: string, of = controller) =>
    series('sluice_watch_synced', { resource, ...scraped(of, replica) });
  const up = {
    ...running(controller),
    ...running(controller, 'b'),
    ...running(otherOf(controller)),
  };
  return [
    {
      alert,
      name: 'one watch of one replica is behind',
      series: { ...up, [synced('a')]: '1x2 0x30', [synced('b')]: '1x30' },
      at: 20,
      fires: [{ resource, ...scraped(controller) }],
    },
    {
      alert,
      name: 'silent while watches reconnect',
      series: { ...up, [synced('a')]: '1x5 0x3 1x5 0x3 1x20' },
      at: 20,
      fires: [],
    },
    {
      alert,
      name: 'silent about another controller',
      series: { ...up, [synced('a')]: '1x30', [synced('a', otherOf(controller))]: '0x30' },
      at: 20,
      fires: [],
    },
  ];
}

function requestCases(controller: string): RuleCase[] {
  const alert = 'SluiceApiRequestsFailing';
  const host = '10.96.0.1:443';
  const requests = (code: string) =>
    series('rest_client_requests_total', { code, method: 'PATCH', host, ...scraped(controller) });
  const { namespace = '', pod = '' } = scraped(controller);
  const with_ = (values: Record<string, string>) => ({ ...running(controller), ...values });
  return [
    {
      alert,
      name: 'a third ends with a server error',
      series: with_({ [requests('200')]: '0+20x30', [requests('503')]: '0+10x30' }),
      at: 20,
      fires: [{ namespace, pod, host }],
    },
    {
      alert,
      name: 'nobody answers',
      series: with_({ [requests('200')]: '0+20x30', [requests('ECONNREFUSED')]: '0+20x30' }),
      at: 20,
      fires: [{ namespace, pod, host }],
    },
    {
      alert,
      name: 'silent about conflicts and refusals',
      series: with_({ [requests('200')]: '0+20x30', [requests('409')]: '0+20x30' }),
      at: 20,
      fires: [],
    },
  ];
}

function queueCases(controller: string, kind: string): RuleCase[] {
  const queue = { name: kind, controller: kind };
  const { namespace = '', pod = '' } = scraped(controller);
  const depth = (priority: string) =>
    series('workqueue_depth', { ...queue, priority, ...scraped(controller) });
  const longest = series('workqueue_longest_running_processor_seconds', {
    ...queue,
    ...scraped(controller),
  });
  const fires = [{ namespace, pod, name: kind }];
  return [
    {
      alert: 'SluiceQueueNotDrained',
      name: 'objects always wait',
      series: { [depth('0')]: '3+1x60', [depth('100')]: '0x60' },
      at: 35,
      fires,
    },
    {
      alert: 'SluiceQueueNotDrained',
      name: 'silent when it is empty now and then',
      series: { [depth('0')]: '50x9 0 50x9 0 50x9 0 50x9 0' },
      at: 35,
      fires: [],
    },
    {
      alert: 'SluiceReconcileStuck',
      name: 'a reconcile hangs',
      series: { [longest]: '0+60x60' },
      at: 25,
      fires,
    },
    {
      alert: 'SluiceReconcileStuck',
      name: 'silent while reconciles end',
      series: { [longest]: '0+60x10 0+60x10 0+60x10' },
      at: 25,
      fires: [],
    },
  ];
}

function reconcileCases(controller: string, kind: string): RuleCase[] {
  const bucket = (le: string) =>
    series('controller_runtime_reconcile_time_seconds_bucket', {
      controller: kind,
      le,
      ...scraped(controller),
    });
  const panics = series('controller_runtime_reconcile_panics_total', {
    controller: kind,
    ...scraped(controller),
  });
  const { namespace = '', pod = '' } = scraped(controller);
  return [
    {
      alert: 'SluiceReconcileSlow',
      name: 'half of them take a minute',
      series: { [bucket('1')]: '0+5x60', [bucket('60')]: '0+10x60', [bucket('+Inf')]: '0+10x60' },
      at: 40,
      fires: [{ namespace, kind }],
    },
    {
      alert: 'SluiceReconcileSlow',
      name: 'silent when all end within a second',
      series: { [bucket('1')]: '0+10x60', [bucket('60')]: '0+10x60', [bucket('+Inf')]: '0+10x60' },
      at: 40,
      fires: [],
    },
    {
      alert: 'SluiceReconcilePanicked',
      name: 'a reconcile ended by a bug',
      series: { [panics]: '0x5 1x30' },
      at: 10,
      fires: [{ namespace, pod }],
    },
    {
      alert: 'SluiceReconcilePanicked',
      name: 'silent without one',
      series: { [panics]: '0x60' },
      at: 10,
      fires: [],
    },
  ];
}
