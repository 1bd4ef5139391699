import { describe, expect, test } from 'vitest';
import { type AuditContext, auditProblem } from '../../src/alert/audit-problem.ts';
import { alertOf, providerOf } from '../objects.ts';

const open: AuditContext = {
  hasNats: true,
  providerOf: (key) => (key === 'apps/provider' ? providerOf() : undefined),
  rules: { noCrossNamespaceRefs: false, wildcardNamespaces: false },
};
const closed = { ...open, rules: { ...open.rules, noCrossNamespaceRefs: true } };
const sources = (change: object) => ({
  eventSources: [{ kind: 'Kustomization' as const, name: '*', ...change }],
});

describe('an Alert that asks for audit records', () => {
  test.each([
    { name: 'of its namespace', spec: {}, context: open },
    { name: 'of another one', spec: sources({ namespace: 'shop' }), context: open },
    { name: 'of HelmReleases', spec: sources({ kind: 'HelmRelease' }), context: closed },
  ])('gets those $name', ({ spec, context }) => {
    expect(auditProblem(alertOf({ audit: {}, ...spec }), context)).toBeUndefined();
  });

  test.each([
    {
      name: 'without NATS',
      context: { ...open, hasNats: false },
      reason: 'NatsRequired',
      says: '--nats-url',
    },
    {
      name: 'of sources, which have none',
      spec: sources({ kind: 'GitRepository' }),
      reason: 'InvalidConfig',
      says: 'spec.eventSources names no object with audit records',
    },
    {
      name: 'of a namespace that is forbidden',
      spec: sources({ namespace: 'shop' }),
      context: closed,
      reason: 'InvalidConfig',
      says: 'spec.eventSources[0].namespace',
    },
    {
      name: 'of all namespaces without leave',
      spec: sources({ namespace: '*' }),
      reason: 'InvalidConfig',
      says: '--allow-wildcard-namespaces',
    },
    {
      name: 'through a Provider that is not there',
      spec: { providerRef: { name: 'gone' } },
      reason: 'ProviderNotFound',
      says: "the Provider 'gone'",
    },
    {
      name: 'through a chat',
      context: { ...open, providerOf: () => providerOf({ type: 'slack' }) },
      reason: 'UnsupportedProvider',
      says: 'use one of generic, generic-hmac, nats, otel',
    },
  ])('is told why it gets none $name', ({ spec, context = open, reason, says }) => {
    const problem = auditProblem(alertOf({ audit: {}, ...spec }), context);
    expect(problem).toEqual({ reason, message: expect.stringContaining(says) });
  });
});
