import type { Alert, FluxEvent, Provider } from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import { describe, expect, test } from 'vitest';
import { dispatch } from '../../src/delivery/dispatch.ts';
import { alertOf, eventOf, providerOf } from '../objects.ts';

const group = 'kustomize.toolkit.fluxcd.io';

function deliveries(event = eventOf(), o: { alerts?: Alert[]; provider?: Provider | null } = {}) {
  return dispatch(event, 'event-1', {
    alerts: o.alerts ?? [alertOf()],
    providerOf: () => (o.provider === undefined ? providerOf() : (o.provider ?? undefined)),
    noCrossNamespaceRefs: false,
    labelsOf: async () => ({}),
    logger: silentLogger,
  });
}

describe('an event', () => {
  test('becomes one delivery for each alert, with that alert’s metadata', async () => {
    const alerts = [
      alertOf({ eventMetadata: { env: 'a' } }, { name: 'a' }),
      alertOf({ eventMetadata: { env: 'b' } }, { name: 'b' }),
    ];
    const event = eventOf({ metadata: { [`${group}/revision`]: 'r1', [`${group}/token`]: 't' } });
    const got = await deliveries(event, { alerts });
    expect(got.map(({ id, provider }) => ({ id, provider }))).toEqual([
      { id: 'event-1:apps/a', provider: 'provider' },
      { id: 'event-1:apps/b', provider: 'provider' },
    ]);
    expect(got.map((d) => d.event.metadata)).toEqual([
      { env: 'a', revision: 'r1' },
      { env: 'b', revision: 'r1' },
    ]);
    expect(new Set(got.map((d) => d.key)).size).toBe(1);
  });

  test('of severity trace goes nowhere', async () => {
    expect(await deliveries(eventOf({ severity: 'trace' }))).toEqual([]);
  });

  test('is not kept for a suspended provider, but for a missing one', async () => {
    expect(await deliveries(eventOf(), { provider: providerOf({ suspend: true }) })).toEqual([]);
    expect(await deliveries(eventOf(), { provider: null })).toHaveLength(1);
  });

  test.each([
    { type: 'generic' as const, want: 1 },
    { type: 'generic-hmac' as const, want: 1 },
    { type: 'github' as const, want: 1 },
    { type: 'slack' as const, want: 0 },
    { type: 'alertmanager' as const, want: 0 },
  ])('that updates a commit status goes to $type: $want', async ({ type, want }) => {
    const event = eventOf({ metadata: { [`${group}/commit_status`]: 'update' } });
    expect(await deliveries(event, { provider: providerOf({ type }) })).toHaveLength(want);
  });

  const annotations = 'event.toolkit.fluxcd.io';
  test.each<{
    name: string;
    type: Provider['spec']['type'];
    change: Partial<FluxEvent>;
    want: number;
  }>([
    { name: 'information', type: 'github', change: {}, want: 0 },
    { name: 'an error', type: 'github', change: { severity: 'error' }, want: 1 },
    {
      name: 'information that names a commit',
      type: 'azuredevops',
      change: { metadata: { [`${annotations}/commit`]: 'sha1:abc' } },
      want: 1,
    },
    {
      name: 'an error without a change request',
      type: 'githubpullrequestcomment',
      change: { severity: 'error' },
      want: 0,
    },
    {
      name: 'information that names a change request',
      type: 'gitlabmergerequestcomment',
      change: { metadata: { [`${annotations}/change_request`]: '7' } },
      want: 1,
    },
    {
      name: 'an update of a commit status that names a change request',
      type: 'giteapullrequestcomment',
      change: {
        metadata: {
          [`${group}/commit_status`]: 'update',
          [`${annotations}/change_request`]: '7',
        },
      },
      want: 0,
    },
  ])('with $name goes to $type: $want', async ({ type, change, want }) => {
    expect(await deliveries(eventOf(change), { provider: providerOf({ type }) })).toHaveLength(
      want,
    );
  });
});
