import { assertStatusContract } from '@sluice/testing';
import { expect, test } from 'vitest';

const at = '2026-01-02T03:04:05Z';

function condition(type: string, status: string, more: object = {}): object {
  return { type, status, reason: 'Succeeded', message: 'text', lastTransitionTime: at, ...more };
}

function object(conditions: object[], status: object = {}, generation = 2): object {
  return {
    kind: 'Kustomization',
    metadata: { name: 'a', namespace: 'b', generation },
    status: { observedGeneration: 2, conditions, ...status },
  };
}

test.each([
  { name: 'ready', object: object([condition('Ready', 'True')]) },
  {
    name: 'progressing',
    object: object([condition('Ready', 'Unknown'), condition('Reconciling', 'True')]),
  },
  { name: 'stalled', object: object([condition('Ready', 'False'), condition('Stalled', 'True')]) },
  { name: 'failed at an older generation', object: object([condition('Ready', 'False')], {}, 3) },
])('accepts an object that is $name', ({ object: subject }) => {
  expect(() => assertStatusContract(subject)).not.toThrow();
});

test.each([
  { rule: 'Ready is present', object: object([]) },
  {
    rule: 'Ready=True only for the observed generation (2, generation 3)',
    object: object([condition('Ready', 'True')], {}, 3),
  },
  {
    rule: 'observedGeneration 5 <= generation 2',
    object: object([condition('Ready', 'False')], { observedGeneration: 5 }),
  },
  {
    rule: 'Reconciling and Stalled exclude each other',
    object: object([
      condition('Ready', 'False'),
      condition('Reconciling', 'True'),
      condition('Stalled', 'True'),
    ]),
  },
  {
    rule: 'Ready is not True while Reconciling',
    object: object([condition('Ready', 'True'), condition('Reconciling', 'True')]),
  },
  {
    rule: 'Ready is not True while Stalled',
    object: object([condition('Ready', 'True'), condition('Stalled', 'True')]),
  },
  {
    rule: 'Stalled=True comes with Ready=False',
    object: object([condition('Ready', 'Unknown'), condition('Stalled', 'True')]),
  },
  {
    rule: 'Reconciling and Stalled are absent unless True',
    object: object([condition('Ready', 'False'), condition('Stalled', 'False')]),
  },
  {
    rule: 'every condition type occurs once',
    object: object([condition('Ready', 'False'), condition('Ready', 'False')]),
  },
  {
    rule: 'Ready: reason no reason is CamelCase',
    object: object([condition('Ready', 'False', { reason: 'no reason' })]),
  },
  {
    rule: 'Ready: lastTransitionTime 2026-01-02T03:04:05.123Z is in whole seconds, UTC',
    object: object([
      condition('Ready', 'False', { lastTransitionTime: '2026-01-02T03:04:05.123Z' }),
    ]),
  },
  {
    rule: 'Ready: lastTransitionTime is not in the future',
    object: object([condition('Ready', 'False', { lastTransitionTime: '2999-01-01T00:00:00Z' })]),
  },
  {
    rule: 'Ready: observedGeneration 9 <= generation 2',
    object: object([condition('Ready', 'False', { observedGeneration: 9 })]),
  },
  {
    rule: 'Ready: status is True, False or Unknown',
    object: object([condition('Ready', 'Maybe')]),
  },
  {
    rule: 'Ready: has a message',
    object: object([condition('Ready', 'False', { message: undefined })]),
  },
])('refuses what breaks: $rule', ({ rule, object: subject }) => {
  expect(() => assertStatusContract(subject)).toThrow(`- ${rule}`);
});
