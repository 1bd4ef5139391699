import type { Receiver } from '@sluice/shared/api';
import { expect, test } from 'vitest';
import { checkDecisions } from '../../src/receiver/check-decisions.ts';

function receiverOf(namespace: string | undefined): Receiver {
  const target = { kind: 'Kustomization' as const, name: 'web', ...(namespace && { namespace }) };
  return {
    apiVersion: 'notification.toolkit.fluxcd.io/v1',
    kind: 'Receiver',
    metadata: { name: 'chat', namespace: 'own' },
    spec: {
      type: 'generic-hmac',
      resources: [],
      decisions: { serviceAccountName: 'chat', targets: [target] },
    },
  };
}

test('another namespace cannot be named with --no-cross-namespace-refs', () => {
  const locked = { noCrossNamespaceRefs: true };
  expect(() => checkDecisions(receiverOf('other'), locked)).toThrow(
    expect.objectContaining({
      name: 'StalledError',
      reason: 'AccessDenied',
      message: expect.stringContaining("'Kustomization/other/web' of spec.decisions.targets[0]"),
    }),
  );
  for (const namespace of ['own', undefined]) checkDecisions(receiverOf(namespace), locked);
  checkDecisions(receiverOf('other'), { noCrossNamespaceRefs: false });
});

test('what is not signed cannot decide', () => {
  const { spec, ...receiver } = receiverOf(undefined);
  for (const type of ['generic', 'github', 'generic-oidc'] as const)
    expect(() =>
      checkDecisions({ ...receiver, spec: { ...spec, type } }, { noCrossNamespaceRefs: false }),
    ).toThrow(/only for spec.type 'generic-hmac'/);
});
