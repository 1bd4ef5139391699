import type { Alert, AuditRecord, Provider } from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import { describe, expect, test } from 'vitest';
import { type RecordContext, spreadRecord } from '../../src/audit/spread-record.ts';
import { matchAlerts } from '../../src/event/match.ts';
import { alertOf, eventOf, providerOf } from '../objects.ts';
import { recordOf } from './records.ts';

const creationTimestamp = '2026-01-01T00:00:00Z';
const createdAt = Date.parse(creationTimestamp);

const auditAlert = (spec: Partial<Alert['spec']> = {}, namespace = 'apps') =>
  alertOf({ audit: {}, ...spec }, { namespace, creationTimestamp });

const contextOf = (alerts: Alert[], o: Partial<RecordContext> = {}): RecordContext => ({
  alerts,
  providerOf: () => providerOf(),
  noCrossNamespaceRefs: false,
  labelsOf: async () => ({ team: 'shop' }),
  logger: silentLogger,
  ...o,
});

const sentTo = async (
  alert: Alert,
  o: Partial<RecordContext> & { record?: AuditRecord; storedAt?: number } = {},
) => {
  const { record = recordOf(), storedAt = createdAt + 1, ...context } = o;
  return spreadRecord(record, { storedAt }, contextOf([alert], context));
};

const source = (change: object) => [{ kind: 'Kustomization' as const, name: 'web', ...change }];
const ofProvider = (spec: Partial<Provider['spec']>) => ({ providerOf: () => providerOf(spec) });

describe('an audit record', () => {
  test('goes whole to the Alert that asks for records of its object, under one id', async () => {
    const record = recordOf({ traceparent: '00-1-2-01' });
    const [first, ...others] = await sentTo(auditAlert(), { record });
    expect(others).toEqual([]);
    expect(first).toMatchObject({
      id: `audit:${record.id}:apps/alert`,
      record,
      alert: { namespace: 'apps', name: 'alert' },
      provider: 'provider',
      event: { involvedObject: { kind: 'Kustomization', namespace: 'apps', name: 'web' } },
    });
    const [again] = await sentTo(auditAlert(), { record });
    expect(again).toEqual(first);
  });

  test.each<{ name: string; alert: Alert; o?: Parameters<typeof sentTo>[1]; sent: boolean }>([
    {
      name: 'an Alert that asks for events',
      alert: alertOf({}, { creationTimestamp }),
      sent: false,
    },
    { name: 'a suspended Alert', alert: auditAlert({ suspend: true }), sent: false },
    {
      name: 'an Alert that came later',
      alert: auditAlert(),
      o: { storedAt: createdAt - 1 },
      sent: false,
    },
    {
      name: 'an Alert that came at that moment',
      alert: auditAlert(),
      o: { storedAt: createdAt },
      sent: true,
    },
    {
      name: 'one of its actions',
      alert: auditAlert({ audit: { actions: ['apply'] } }),
      sent: true,
    },
    {
      name: 'another action than its own',
      alert: auditAlert({ audit: { actions: ['approval'] } }),
      sent: false,
    },
    { name: 'errors only', alert: auditAlert({ eventSeverity: 'error' }), sent: true },
    { name: 'lists for events', alert: auditAlert({ inclusionList: ['^never$'] }), sent: true },
    { name: 'its name', alert: auditAlert({ eventSources: source({}) }), sent: true },
    {
      name: 'another name',
      alert: auditAlert({ eventSources: source({ name: 'b' }) }),
      sent: false,
    },
    {
      name: 'another kind',
      alert: auditAlert({ eventSources: source({ kind: 'HelmRelease' }) }),
      sent: false,
    },
    {
      name: 'its labels',
      alert: auditAlert({ eventSources: source({ matchLabels: { team: 'shop' } }) }),
      sent: true,
    },
    {
      name: 'other labels',
      alert: auditAlert({ eventSources: source({ matchLabels: { team: 'web' } }) }),
      sent: false,
    },
    {
      name: 'labels of what is gone',
      alert: auditAlert({ eventSources: source({ matchLabels: { team: 'shop' } }) }),
      o: { labelsOf: async () => undefined },
      sent: false,
    },
    { name: 'another namespace', alert: auditAlert({}, 'others'), sent: false },
    {
      name: 'another namespace that names this one',
      alert: auditAlert({ eventSources: source({ namespace: 'apps' }) }, 'others'),
      sent: true,
    },
    {
      name: 'another namespace, where that is forbidden',
      alert: auditAlert({ eventSources: source({ namespace: 'apps' }) }, 'others'),
      o: { noCrossNamespaceRefs: true },
      sent: false,
    },
    {
      name: 'all namespaces, where the administrator allows nothing of it',
      alert: auditAlert({ eventSources: source({ namespace: '*' }) }, 'others'),
      sent: false,
    },
    {
      name: 'all namespaces, where the administrator allows it',
      alert: auditAlert({ eventSources: source({ namespace: '*' }) }, 'others'),
      o: { wildcardNamespaces: true },
      sent: true,
    },
    { name: 'a chat', alert: auditAlert(), o: ofProvider({ type: 'slack' }), sent: false },
    {
      name: 'a suspended Provider',
      alert: auditAlert(),
      o: ofProvider({ suspend: true }),
      sent: false,
    },
    {
      name: 'a Provider that may come in a moment',
      alert: auditAlert(),
      o: { providerOf: () => undefined },
      sent: true,
    },
    ...(['generic', 'generic-hmac', 'nats', 'otel'] as const).map((type) => ({
      name: type,
      alert: auditAlert(),
      o: ofProvider({ type }),
      sent: true,
    })),
  ])('is sent ($sent) with $name', async ({ alert, o, sent }) => {
    expect(await sentTo(alert, o)).toHaveLength(sent ? 1 : 0);
  });

  test('waits while the labels of its object cannot be read', async () => {
    const alert = auditAlert({ eventSources: source({ matchLabels: { team: 'shop' } }) });
    const labelsOf = () => Promise.reject(new Error('the API server is away'));
    await expect(sentTo(alert, { labelsOf })).rejects.toThrow('away');
  });
});

test('an Alert that asks for audit records gets no events', async () => {
  const context = contextOf([auditAlert(), alertOf()]);
  expect(await matchAlerts(eventOf(), context)).toEqual([alertOf()]);
});
