import type { KubeObject } from '@sluice/shared/api';
import { isImmutableError, objectError } from '@sluice/shared/engine';
import { ApiError } from '@sluice/shared/kube';
import { describe, expect, it } from 'vitest';

function refusal(message: string, causes: string[] = [], status = 422): ApiError {
  return new ApiError({
    status,
    reason: status === 422 ? 'Invalid' : 'BadRequest',
    message,
    verb: 'PATCH',
    path: '/x',
    details: { causes: causes.map((text) => ({ field: 'spec.x', message: text })) },
  });
}

describe('isImmutableError', () => {
  const cases: { name: string; error: unknown; expected: boolean }[] = [
    { name: 'one immutable field', error: refusal('', ['field is immutable']), expected: true },
    {
      name: 'a StatefulSet',
      error: refusal('', [
        "Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden",
      ]),
      expected: true,
    },
    { name: 'a Service', error: refusal('', ['may not change once set']), expected: true },
    { name: 'a binding', error: refusal('', ['cannot change roleRef']), expected: true },
    {
      name: 'a webhook',
      error: refusal('admission webhook "x" denied: size is immutable', [], 400),
      expected: true,
    },
    { name: 'a wrong value', error: refusal('', ['must be positive']), expected: false },
    {
      name: 'a wrong value next to an immutable field',
      error: refusal('', ['field is immutable', 'must be positive']),
      expected: false,
    },
    { name: 'another error', error: new Error('field is immutable'), expected: false },
  ];
  it.each(cases)('$name: $expected', ({ error, expected }) => {
    expect(isImmutableError(error)).toBe(expected);
  });
});

describe('objectError', () => {
  const data = { password: Buffer.from('canary-one').toString('base64'), pin: 'MTI=' };
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'db', namespace: 'ns' },
    data,
    stringData: { token: 'canary-two' },
  } as KubeObject;

  it('names the object, what failed and the reason', () => {
    const error = objectError(secret, 'apply', refusal('it is wrong'));
    expect(error.message).toBe('Secret/ns/db apply failed (Invalid): it is wrong');
    expect([error.status, error.reason, error.cause]).toEqual([422, 'Invalid', undefined]);
  });

  it.each([
    'value canary-one was refused',
    `value ${data.password} was refused`,
    'value canary-two was refused',
    'Invalid value: "12": too short',
    'bad, error found in #10 byte of ...|"canary-on|..., bigger context ...|rd":"canary-one","x|...',
  ])('hides the values of a Secret in: %s', (text) => {
    const { message } = objectError(secret, 'apply', refusal(text));
    expect(message).not.toMatch(/canary|Y2FuYXJ5|"12"/);
  });

  it('shows values of other kinds', () => {
    const object = { ...secret, kind: 'ConfigMap' };
    expect(objectError(object, 'apply', refusal('value canary-two')).message).toContain(
      'canary-two',
    );
  });
});
