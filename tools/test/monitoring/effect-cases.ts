import { scraped } from './process-cases.ts';
import { type Labels, type RuleCase, series } from './promtool.ts';

const histogram = (metric: string, labels: Labels, values: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(values).map(([le, each]) => [
      series(`${metric}_bucket`, { ...labels, le }),
      each,
    ]),
  );

/** The scenarios of the rules about what is applied. */
export function applierCases(controller: string, kind: string): RuleCase[] {
  const labels = { kind, exported_namespace: 'apps', name: 'shop', ...scraped(controller) };
  const fires = [{ kind, namespace: 'apps', name: 'shop' }];
  const drifted = series('sluice_drifted_objects', labels);
  const drift = (action: string) => series('sluice_drift_total', { ...labels, action });
  return [
    {
      alert: 'SluiceDrifting',
      name: 'an object differs and is left so',
      series: { [drifted]: '1x30' },
      at: 17,
      fires,
    },
    {
      alert: 'SluiceDrifting',
      name: 'silent at zero',
      series: { [drifted]: '0x30' },
      at: 17,
      fires: [],
    },
    {
      alert: 'SluiceDriftRecurring',
      name: 'an object is corrected again and again',
      series: { [drift('corrected')]: '0+1x60', [drift('delayed')]: '0+1x60' },
      at: 50,
      fires,
    },
    {
      alert: 'SluiceDriftRecurring',
      name: 'silent about a few corrections, and about mode warn',
      series: { [drift('corrected')]: '0x10 3x60', [drift('detected')]: '0+1x60' },
      at: 50,
      fires: [],
    },
  ];
}

/** The scenarios of the rule about the time to ready. */
export function readyCases(): RuleCase[] {
  const alert = 'SluiceTimeToReadySlow';
  const { namespace = '', ...rest } = scraped('kustomize-controller');
  const ready = (values: Record<string, string>) =>
    histogram('sluice_artifact_to_ready_seconds', { namespace, ...rest }, values);
  return [
    {
      alert,
      name: 'half of them take more than ten minutes',
      series: ready({ '60': '0+5x120', '300': '0+5x120', '900': '0+10x120', '+Inf': '0+10x120' }),
      at: 80,
      fires: [{ namespace }],
    },
    {
      alert,
      name: 'silent when all are ready within a minute',
      series: ready({ '60': '0+10x120', '300': '0+10x120', '900': '0+10x120', '+Inf': '0+10x120' }),
      at: 80,
      fires: [],
    },
  ];
}

/** The scenarios of the rules about releases. */
export function releaseCases(): RuleCase[] {
  const alert = 'SluiceHelmActionSlow';
  const actions = (values: Record<string, string>) =>
    histogram(
      'sluice_helm_action_seconds',
      { action: 'upgrade', ...scraped('helm-controller') },
      values,
    );
  return [
    {
      alert,
      name: 'upgrades take a quarter of an hour',
      series: actions({ '300': '0+1x120', '900': '0+10x120', '+Inf': '0+10x120' }),
      at: 80,
      fires: [{ action: 'upgrade' }],
    },
    {
      alert,
      name: 'silent when they take minutes',
      series: actions({ '300': '0+10x120', '900': '0+10x120', '+Inf': '0+10x120' }),
      at: 80,
      fires: [],
    },
  ];
}

/** The scenarios of the rules about deliveries and webhooks. */
export function notificationCases(): RuleCase[] {
  return [...deadLetterCases(), ...deliveryCases(), ...webhookCases()];
}

const labels = scraped('notification-controller');
const namespace = labels['namespace'] as string;

function deadLetterCases(): RuleCase[] {
  const alert = 'SluiceDeadLetters';
  const letters = series('sluice_dead_letters_total', labels);
  return [
    {
      alert,
      name: 'one delivery was given up',
      series: { [letters]: '0x5 1x30' },
      at: 10,
      fires: [{ namespace }],
    },
    { alert, name: 'silent without one', series: { [letters]: '0x30' }, at: 10, fires: [] },
    {
      alert,
      name: 'silent an hour after the last one',
      series: { [letters]: '0x5 1x120' },
      at: 75,
      fires: [],
    },
  ];
}

function deliveryCases(): RuleCase[] {
  const type = { provider_type: 'slack' };
  const deliveries = (result: string) =>
    series('sluice_deliveries_total', { ...type, result, ...labels });
  const seconds = (values: Record<string, string>) =>
    histogram('sluice_delivery_seconds', { ...type, ...labels }, values);
  const fires = [{ namespace, ...type }];
  return [
    {
      alert: 'SluiceDeliveriesFailing',
      name: 'two thirds of the attempts fail',
      series: { [deliveries('failed')]: '0+20x60', [deliveries('delivered')]: '0+10x60' },
      at: 40,
      fires,
    },
    {
      alert: 'SluiceDeliveriesFailing',
      name: 'silent about some failures, and about repetitions',
      series: {
        [deliveries('failed')]: '0+1x60',
        [deliveries('delivered')]: '0+10x60',
        [deliveries('duplicate')]: '0+100x60',
      },
      at: 40,
      fires: [],
    },
    {
      alert: 'SluiceDeliverySlow',
      name: 'half of them take minutes',
      series: seconds({ '60': '0+5x60', '300': '0+10x60', '+Inf': '0+10x60' }),
      at: 40,
      fires,
    },
    {
      alert: 'SluiceDeliverySlow',
      name: 'silent when all arrive within a minute',
      series: seconds({ '60': '0+10x60', '300': '0+10x60', '+Inf': '0+10x60' }),
      at: 40,
      fires: [],
    },
  ];
}

function webhookCases(): RuleCase[] {
  const alert = 'SluiceWebhooksFailing';
  const requests = (code: string) =>
    series('gotk_receiver_http_request_duration_seconds_count', { code, ...labels });
  return [
    {
      alert,
      name: 'half of the webhooks get a server error',
      series: { [requests('200')]: '0+10x60', [requests('500')]: '0+10x60' },
      at: 40,
      fires: [{ namespace }],
    },
    {
      alert,
      name: 'silent about unknown paths and wrong signatures',
      series: {
        [requests('200')]: '0+10x60',
        [requests('404')]: '0+90x60',
        [requests('400')]: '0+90x60',
      },
      at: 40,
      fires: [],
    },
  ];
}
