import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { customKinds } from '../../../src/engine/health/custom-kinds.ts';
import { type Case, check, condition } from './health-cases.ts';

const observed = (type: string, status: string, observedGeneration = 2) => ({
  ...condition(type, status),
  observedGeneration,
});

describe.each([
  { apiVersion: 'flagger.app/v1beta1', kind: 'Canary' },
  { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout' },
])('$kind', (defaults) => {
  const [done, broken] =
    defaults.kind === 'Canary' ? ['Succeeded', 'Failed'] : ['Healthy', 'Degraded'];
  const cases: Case[] = [
    { name: 'just created', health: 'InProgress' },
    { name: 'with an empty status', status: {}, health: 'InProgress' },
    { name: 'done', status: { phase: done }, health: 'Current', message: `phase ${done}` },
    {
      name: 'on its way',
      status: { phase: 'Progressing', message: 'more replicas need to be updated' },
      health: 'InProgress',
      message: 'phase Progressing: more replicas need to be updated',
    },
    {
      name: 'broken',
      status: { phase: broken, conditions: [condition('Promoted', 'False')] },
      health: 'Failed',
      message: `phase ${broken}: words`,
    },
    {
      name: 'done with an older spec',
      status: { phase: done, observedGeneration: '1' },
      health: 'InProgress',
      message: 'generation is 2, but latest observed generation is 1',
    },
    { name: 'done', status: { phase: done, observedGeneration: '2' }, health: 'Current' },
    {
      name: 'done, with a hash of the spec',
      status: { phase: done, observedGeneration: '5b4f9d' },
      health: 'Current',
    },
    {
      name: 'being deleted',
      metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
      status: { phase: done },
      health: 'Terminating',
    },
  ];
  it.each(cases)('$name: $health', ({ metadata, ...c }) =>
    check({ ...c, metadata: { generation: 2, ...metadata } }, defaults),
  );
});

const conditioned = customKinds.flatMap(({ group, kinds, conditions = [], within, isFinal }) =>
  conditions.length === 0
    ? []
    : kinds.map((kind) => ({ group, kind, conditions, within, isFinal })),
);

describe.each(conditioned)('$kind of $group', ({ group, kind, conditions, within, isFinal }) => {
  const inPlace = (list: object[]) =>
    within === undefined
      ? { conditions: list }
      : { [within]: [{ parentRef: { name: 'edge' }, conditions: list }] };
  const all = (status: string, generation = 2) =>
    inPlace(conditions.map((type) => observed(type, status, generation)));
  const [first = ''] = conditions;
  const parent = within === undefined ? '' : 'for parent edge ';
  const cases: Case[] = [
    { name: 'just created', health: 'InProgress' },
    { name: 'with an empty status', status: {}, health: 'InProgress' },
    { name: 'without conditions', status: inPlace([]), health: 'InProgress' },
    { name: 'healthy', status: all('True'), health: 'Current' },
    { name: 'of an older spec', status: all('True', 1), health: 'InProgress' },
    {
      name: 'of unknown state',
      status: all('Unknown'),
      health: 'InProgress',
      message: `${parent}${first} is Unknown (Because): words`,
    },
    {
      name: 'refused',
      status: all('False'),
      health: isFinal ? 'Failed' : 'InProgress',
      message: `${parent}${first} is False (Because): words`,
    },
    {
      name: 'with the last condition missing',
      status: inPlace(conditions.slice(0, -1).map((type) => observed(type, 'True'))),
      health: 'InProgress',
    },
  ];
  it.each(cases)('$name: $health', (c) =>
    check(c, { apiVersion: `${group}/v1`, kind, metadata: { generation: 2 } }),
  );
});

test('the documentation lists every kind with its rule, and no others', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../../docs/health.md'), 'utf8');
  const rows = [
    ...page.matchAll(/^\| `([a-z0-9.-]+\.[a-z]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm),
  ];
  const words = (text = '') => [...text.matchAll(/`([A-Z]\w+)`/g)].map(([, word]) => word);
  expect(
    rows.map(([, group, kinds, current, failed]) => ({
      group,
      kinds: kinds?.split(', '),
      current: words(current),
      failed: words(failed),
    })),
  ).toEqual(
    customKinds.map(({ group, kinds, conditions, phases, isFinal }) => ({
      group,
      kinds,
      current: conditions ?? phases?.current,
      failed: phases?.failed ?? (isFinal ? conditions : []),
    })),
  );
});

test('each kind has one rule', () => {
  const names = customKinds.flatMap(({ group, kinds }) => kinds.map((kind) => `${group}/${kind}`));
  expect(new Set(names).size).toBe(names.length);
});
