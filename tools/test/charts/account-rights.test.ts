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
