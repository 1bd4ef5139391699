import { expect, test } from 'vitest';
import { type Rendered, render } from './render.ts';

/** Verbs on tokens of ServiceAccounts, by role. */
const tokenVerbs = (objects: readonly Rendered[]) =>
  objects
    .filter(({ kind }) => /Role$/.test(kind))
    .flatMap(({ rules }) => rules as { resources?: string[]; verbs: string[] }[])
    .filter(({ resources }) => resources?.includes('serviceaccounts/token'))
    .map(({ verbs }) => verbs);

test.each([
  'source-controller',
  'kustomize-controller',
  'helm-controller',
  'notification-controller',
] as const)('%s may make tokens of accounts with the feature gate alone', async (chart) => {
  const gate = 'flags.feature-gates[0]=ObjectLevelWorkloadIdentity=true';
  const lockDown = 'multitenancy.enabled=true';
  expect(tokenVerbs(await render(chart, [lockDown]))).toEqual([]);
  expect(tokenVerbs(await render(chart, [lockDown, gate]))).toEqual([['create']]);
});

test('notification-controller may be no account but those that approve by webhooks', async () => {
  const impersonating = async (settings: string[]) =>
    (await render('notification-controller', settings))
      .filter(({ kind }) => /Role$/.test(kind))
      .flatMap(({ rules }) => rules as { verbs: string[] }[])
      .filter(({ verbs }) => verbs.includes('impersonate'));
  expect(await impersonating(['multitenancy.enabled=true'])).toEqual([]);
  expect(await impersonating(['approvals.webhookAccounts=["chat","bot"]'])).toEqual([
    {
      apiGroups: [''],
      resources: ['serviceaccounts'],
      resourceNames: ['chat', 'bot'],
      verbs: ['impersonate'],
    },
  ]);
});
