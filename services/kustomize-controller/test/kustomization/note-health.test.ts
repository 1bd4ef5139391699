import type { KubeObject } from '@sluice/shared/api';
import { HealthReads, type LiveChange, noDrift } from '@sluice/shared/engine';
import { coreResources } from '@sluice/shared/kube';
import { expect, test } from 'vitest';
import { HealthWait } from '../../src/kustomization/health-wait.ts';
import { noteHealthChange } from '../../src/kustomization/note-health.ts';
import type { KustomizationState } from '../../src/kustomization/state.ts';

const id = 'apps_token__Secret';
const rules = {
  field: 'spec.healthCheckExprs',
  exprs: [{ apiVersion: 'v1', kind: 'Secret', current: "data.token == 'cmVhZHk='" }],
};

function waitingState(): KustomizationState {
  const wait = new HealthWait(0, 1_000);
  wait.awaits([id]);
  return {
    ...{ uid: undefined, phase: 'health', wait, reads: new HealthReads(), ...noDrift() },
    ...{ configChanged: false, isHeld: false },
  };
}

/** As a watch has it, with a digest of the value. */
const secret = (resourceVersion: string): KubeObject & { data: object } => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'token', namespace: 'apps', resourceVersion },
  data: { token: '\u0000digest:0123' },
});

const changeTo = (version: string, former?: string): LiveChange => ({
  type: former === undefined ? 'added' : 'modified',
  resource: coreResources.secrets,
  object: secret(version),
  ...(former !== undefined && { previous: secret(former) }),
});

test('of changes that were not read yet the first one wakes, and the next one after a read', () => {
  const state = waitingState();
  const wakes = (version: string, former?: string) =>
    noteHealthChange(changeTo(version, former), state, rules);
  expect([wakes('5'), wakes('6', '5'), wakes('7', '6')]).toEqual([true, false, false]);
  const health = { status: 'InProgress', message: '' } as const;
  state.reads.note(id, { resourceVersion: '7', health, at: 0 });
  expect([wakes('7', '6'), wakes('8', '7'), wakes('9', '8')]).toEqual([false, true, false]);
});

test('after a gap of the watch, what has changed in it wakes', () => {
  const state = waitingState();
  const health = { status: 'InProgress', message: '' } as const;
  state.reads.note(id, { resourceVersion: '7', health, at: 0 });
  expect(noteHealthChange(changeTo('70', '7'), state, rules)).toBe(true);
  expect(noteHealthChange({ ...changeTo('90'), type: 'deleted' }, state, rules)).toBe(true);
  expect(noteHealthChange(changeTo('91'), state, rules)).toBe(true);
});
