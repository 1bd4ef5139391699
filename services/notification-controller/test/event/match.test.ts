import type { Alert, FluxEvent } from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import { describe, expect, test } from 'vitest';
import { alertsAbout, matchAlerts } from '../../src/event/match.ts';
import { alertOf, eventOf } from '../objects.ts';

const labels = { team: 'web', tier: 'front' };

async function matches(
  alert: Alert,
  event: FluxEvent,
  o: {
    noCrossNamespaceRefs?: boolean;
    wildcardNamespaces?: boolean;
    labels?: Record<string, string>;
  } = {},
): Promise<boolean> {
  const matching = await matchAlerts(event, {
    alerts: [alert],
    noCrossNamespaceRefs: o.noCrossNamespaceRefs ?? false,
    wildcardNamespaces: o.wildcardNamespaces,
    logger: silentLogger,
    labelsOf: async () => ('labels' in o ? o.labels : labels),
  });
  return matching.length === 1;
}

const kustomization = (change: object) => ({
  kind: 'Kustomization' as const,
  name: '*',
  ...change,
});

describe('an alert', () => {
  test.each<{
    name: string;
    spec: Partial<Alert['spec']>;
    event?: Partial<FluxEvent>;
    want: boolean;
  }>([
    { name: 'wants all events of a kind with *', spec: {}, want: true },
    {
      name: 'wants an object by name',
      spec: { eventSources: [kustomization({ name: 'web' })] },
      want: true,
    },
    {
      name: 'does not want another name',
      spec: { eventSources: [kustomization({ name: 'api' })] },
      want: false,
    },
    {
      name: 'does not want another kind',
      spec: { eventSources: [{ kind: 'HelmRelease', name: '*' }] },
      want: false,
    },
    {
      name: 'does not want another namespace',
      spec: { eventSources: [kustomization({ namespace: 'other' })] },
      want: false,
    },
    {
      name: 'is satisfied by one of several sources',
      spec: { eventSources: [{ kind: 'Bucket', name: '*' }, kustomization({})] },
      want: true,
    },
    {
      name: 'with severity info wants errors',
      spec: { eventSeverity: 'info' },
      event: { severity: 'error' },
      want: true,
    },
    {
      name: 'with severity error does not want info',
      spec: { eventSeverity: 'error' },
      want: false,
    },
    {
      name: 'with severity error wants errors',
      spec: { eventSeverity: 'error' },
      event: { severity: 'error' },
      want: true,
    },
    { name: 'wants nothing while suspended', spec: { suspend: true }, want: false },
    {
      name: 'wants a message of its inclusion list',
      spec: { inclusionList: ['nothing', 'revision: main'] },
      want: true,
    },
    {
      name: 'does not want a message outside of its inclusion list',
      spec: { inclusionList: ['^revision'] },
      want: false,
    },
    {
      name: 'does not want a message of its exclusion list',
      spec: { inclusionList: ['.*'], exclusionList: ['sha1:[a-c]+$'] },
      want: false,
    },
    {
      name: 'with an invalid inclusion wants nothing by it',
      spec: { inclusionList: ['('] },
      want: false,
    },
    {
      name: 'with an invalid exclusion excludes nothing by it',
      spec: { exclusionList: ['('] },
      want: true,
    },
    {
      name: 'wants an object with its labels',
      spec: { eventSources: [kustomization({ matchLabels: { team: 'web' } })] },
      want: true,
    },
    {
      name: 'does not want an object with other labels',
      spec: { eventSources: [kustomization({ matchLabels: { team: 'web', tier: 'back' } })] },
      want: false,
    },
  ])('$name', async ({ spec, event, want }) => {
    expect(await matches(alertOf(spec), eventOf(event))).toBe(want);
  });

  test('sees other namespaces unless that is forbidden', async () => {
    const alert = alertOf(
      { eventSources: [kustomization({ namespace: 'apps' })] },
      { namespace: 'platform' },
    );
    expect(await matches(alert, eventOf())).toBe(true);
    expect(await matches(alert, eventOf(), { noCrossNamespaceRefs: true })).toBe(false);
  });

  test('sees every namespace only where the administrator allows that', async () => {
    const alert = alertOf(
      { eventSources: [kustomization({ namespace: '*' })] },
      { namespace: 'platform' },
    );
    expect(await matches(alert, eventOf())).toBe(false);
    expect(await matches(alert, eventOf(), { wildcardNamespaces: true })).toBe(true);
    const both = { wildcardNamespaces: true, noCrossNamespaceRefs: true };
    expect(await matches(alert, eventOf(), both)).toBe(false);
  });

  test('is about an object whatever it wants to know of it, unless it is suspended', async () => {
    const { spec: _, ...broken } = alertOf();
    const wants = alertOf({ eventSeverity: 'error', inclusionList: ['never'] }, { name: 'wants' });
    const alerts = [
      broken as Alert,
      wants,
      alertOf({ suspend: true }),
      alertOf({ eventSources: [kustomization({ name: 'other' })] }),
    ];
    const about = await alertsAbout(eventOf(), {
      alerts,
      noCrossNamespaceRefs: false,
      logger: silentLogger,
      labelsOf: async () => undefined,
    });
    expect(about).toEqual([wants]);
  });

  test('is not lost to others because of an alert without spec', async () => {
    const { spec: _, ...broken } = alertOf();
    const matching = await matchAlerts(eventOf(), {
      alerts: [broken as Alert, alertOf()],
      noCrossNamespaceRefs: false,
      logger: silentLogger,
      labelsOf: async () => labels,
    });
    expect(matching).toEqual([alertOf()]);
  });

  test('by labels does not want an object that is gone', async () => {
    const alert = alertOf({ eventSources: [kustomization({ matchLabels: {} })] });
    expect(await matches(alert, eventOf(), { labels: undefined })).toBe(false);
  });

  test('without labels does not ask for the object', async () => {
    const asked = matchAlerts(eventOf(), {
      alerts: [alertOf()],
      noCrossNamespaceRefs: false,
      logger: silentLogger,
      labelsOf: () => Promise.reject(new Error('asked')),
    });
    await expect(asked).resolves.toHaveLength(1);
  });

  test('is not lost when labels cannot be read now: the error is passed on', async () => {
    const asked = matchAlerts(eventOf(), {
      alerts: [alertOf({ eventSources: [kustomization({ matchLabels: { a: 'b' } })] })],
      noCrossNamespaceRefs: false,
      logger: silentLogger,
      labelsOf: () => Promise.reject(new Error('the API server is away')),
    });
    await expect(asked).rejects.toThrow('away');
  });
});

test('alerts of one namespace that are costly to match get the event, and those of others are judged', async () => {
  const costly = Array.from({ length: 50 }, (_, i) =>
    alertOf(
      { inclusionList: Array(100).fill('(?i)error.*timeout.*(foo|bar|baz)') },
      { name: `costly-${i}` },
    ),
  );
  const theirs = (name: string, inclusionList: string[]) =>
    alertOf(
      { inclusionList, eventSources: [kustomization({ namespace: 'apps' })] },
      { name, namespace: 'other' },
    );
  const matching = await matchAlerts(eventOf({ message: 'error x '.repeat(4000) }), {
    alerts: [...costly, theirs('wants', ['error']), theirs('wants-not', ['success'])],
    noCrossNamespaceRefs: false,
    logger: silentLogger,
    labelsOf: async () => labels,
  });
  expect(matching.map(({ metadata }) => metadata.name)).toContain('wants');
  expect(matching.map(({ metadata }) => metadata.name)).not.toContain('wants-not');
  expect(matching).toHaveLength(51);
});
