import { running, scraped } from './process-cases.ts';
import { type RuleCase, series } from './promtool.ts';

const dayMinutes = 1440;

/** The scenarios of the rules about changes and their audit trail. */
export function deliveryCases(controller: string, kind: string): RuleCase[] {
  const labels = { kind, exported_namespace: 'apps', name: 'shop', ...scraped(controller) };
  const deployments = (result: string) => series('sluice_deployments_total', { ...labels, result });
  const own = (metric: string, values: string) => ({
    ...running(controller),
    [series(metric, scraped(controller))]: values,
  });
  const ofProcess = [scraped(controller)];
  return [
    {
      alert: 'SluiceChangesFailing',
      name: 'most changes of a day fail',
      series: { [deployments('failed')]: '0x10 9x2000', [deployments('succeeded')]: '0x10 3x2000' },
      at: 60,
      fires: [{ kind, namespace: 'apps' }],
    },
    {
      alert: 'SluiceChangesFailing',
      name: 'silent about a single one that failed, and a day later',
      series: { [deployments('failed')]: '0x10 1x2000', [deployments('succeeded')]: '0x2000' },
      at: 60,
      fires: [],
    },
    {
      alert: 'SluiceChangesFailing',
      name: 'silent a day after the last one',
      series: { [deployments('failed')]: '0x10 9x2000', [deployments('succeeded')]: '0x10 3x2000' },
      at: dayMinutes + 60,
      fires: [],
    },
    {
      alert: 'SluiceAuditRecordsWaiting',
      name: 'a record waits for twenty minutes',
      series: own('sluice_audit_outbox_oldest_seconds', '0+60x60'),
      at: 22,
      fires: ofProcess,
    },
    {
      alert: 'SluiceAuditRecordsWaiting',
      name: 'silent when nothing waits',
      series: own('sluice_audit_outbox_oldest_seconds', '0x60'),
      at: 22,
      fires: [],
    },
    ...lostCases(controller),
  ];
}

function lostCases(controller: string): RuleCase[] {
  const given = (dropped: string, refused: string) => ({
    ...running(controller),
    [series('sluice_audit_outbox_dropped_total', scraped(controller))]: dropped,
    [series('sluice_audit_outbox_dead_letters_total', scraped(controller))]: refused,
  });
  const alert = 'SluiceAuditRecordsLost';
  const fires = [scraped(controller)];
  return [
    { alert, name: 'no room', series: given('0x10 7x120', '0x200'), at: 15, fires },
    { alert, name: 'refused', series: given('0x200', '0x10 1x120'), at: 15, fires },
    {
      alert,
      name: 'silent an hour later',
      series: given('0x10 7x120', '0x200'),
      at: 80,
      fires: [],
    },
  ];
}
