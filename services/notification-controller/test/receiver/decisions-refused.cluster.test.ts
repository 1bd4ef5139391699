import { type Approval, approvalOf, type Kustomization, type Receiver } from '@sluice/shared/api';
import { assertStatusContract } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  account,
  approvals,
  approvalsOf,
  call,
  createReceiver,
  createWaiting,
  type Decisions,
  digest,
  forAll,
  inStatus,
  kustomizations,
  lastCall,
  receivers,
  sayingOf,
  send,
  startDecisions,
  stopDecisions,
  untilReceiver,
  world,
} from './decisions-bed.ts';

beforeAll(startDecisions);
afterAll(stopDecisions);

describe('a decision is refused, and nothing is made,', () => {
  const only = (change: Partial<Decisions>) => ({ decisions: { ...forAll, ...change } });
  const unlisted = /^Kustomization \S+ is not there, or none of spec\.decisions\.targets\n$/;
  const forbidden = /^the ServiceAccount of the Receiver may not do this: status\.lastCall .*\n$/;
  const cases: {
    name: string;
    body?: (target: string) => object | string;
    spec?: Partial<Receiver['spec']>;
    labels?: Record<string, string>;
    key?: string;
    says: RegExp;
    status?: number;
    noted?: RegExp;
  }[] = [
    { name: 'with another signature', key: 'wrong', says: /^$/, noted: /signature does not fit/ },
    {
      name: 'with a body that is none',
      body: () => ({ ref: 'main' }),
      says: /^the field 'ref' is not known/,
    },
    { name: 'that is no JSON', body: () => 'hunter2', says: /^the body is no JSON\n$/ },
    {
      name: 'with a huge body',
      body: (target) => sayingOf(target, { reason: 'x'.repeat(100_000) }),
      says: /bytes, more than 16384\n$/,
    },
    {
      name: 'about an old plan',
      body: (target) => sayingOf(target, { planDigest: digest('b') }),
      says: /: this plan does not wait, or does not any more: look at status\.plan again\n$/,
    },
    { name: 'about an object without the labels', labels: { chat: 'no' }, says: unlisted },
    {
      name: 'about an object that is not named',
      spec: only({ targets: [{ kind: 'Kustomization', name: 'other' }] }),
      says: unlisted,
    },
    {
      name: 'about another kind of the same name',
      spec: only({ targets: [{ ...forAll.targets[0], kind: 'HelmRelease', name: '*' }] }),
      says: unlisted,
    },
    { name: 'about an object that is not there', body: () => sayingOf('gone'), says: unlisted },
    {
      name: 'about an object of a namespace that is not listed',
      body: (target) => sayingOf(target, { namespace: 'kube-system' }),
      says: unlisted,
    },
    {
      name: 'that the filter does not allow',
      spec: { resourceFilter: "req.user.endsWith('@example.org')" },
      says: /^spec\.resourceFilter does not allow it\n$/,
    },
    {
      name: 'when the filter gives no answer',
      spec: { resourceFilter: "req.missing == 'x'" },
      says: /^spec\.resourceFilter gave no answer/,
      status: 500,
      noted: /a field is missing/,
    },
    {
      name: 'as an account that may not approve',
      spec: only({ serviceAccountName: 'reader' }),
      says: forbidden,
      status: 403,
      noted: /cannot create resource "approvals"/,
    },
    {
      name: 'as an account that may not read',
      spec: only({ serviceAccountName: 'nobody' }),
      says: forbidden,
      status: 403,
      noted: /cannot get resource "kustomizations"/,
    },
  ];

  test.each(cases)('$name', async ({ body, spec = {}, labels, key, says, status = 400, noted }) => {
    const receiver = await createReceiver(spec);
    const target = await createWaiting({ ...(labels && { labels }) });
    const answer = await call(receiver, { body: body?.(target) ?? sayingOf(target), key });
    expect(answer).toEqual({ status, said: expect.stringMatching(says) });
    const called = (await lastCall(receiver, status < 500 ? 'Refused' : 'Failed')).status?.lastCall;
    expect(called?.reason).toMatch(noted ?? /./);
    expect(JSON.stringify(called)).not.toContain('hunter2');
    expect(await approvalsOf(target)).toEqual([]);
  });

  test('when there is another Approval of its name', async () => {
    const receiver = await createReceiver({});
    const key = { namespace: world.namespace, name: await createWaiting() };
    const target = await world.client.get<Kustomization>(kustomizations, key);
    const said = { planDigest: digest('a'), user: account() };
    const wanted = approvalOf({ target, ...said, decision: 'Approve' });
    const spec = { ...wanted.spec, planDigest: digest('b') };
    await world.client.create<Approval>(approvals, { ...wanted, spec });
    expect(await call(receiver, { body: sayingOf(key.name) })).toEqual({
      status: 400,
      said: `the Approval '${wanted.metadata.name}' says something else: delete it\n`,
    });
    expect(await approvalsOf(key.name)).toMatchObject([{ spec }]);
  });

  test('when the body is larger than any webhook may be', async () => {
    const receiver = await createReceiver({});
    const target = await createWaiting();
    await call(receiver, { body: 'ready' });
    const body = sayingOf(target, { reason: 'x'.repeat(4 * 1024 * 1024) });
    expect((await send(receiver, { body })).status).toBe(413);
    expect(await approvalsOf(target)).toEqual([]);
  });

  test('once the plan waits no more', async () => {
    const receiver = await createReceiver({});
    const name = await createWaiting();
    const key = { namespace: world.namespace, name };
    await world.client.patch(kustomizations, key, { status: { plan: null } }, inStatus);
    expect(await call(receiver, { body: sayingOf(name) })).toMatchObject({ status: 400 });
    expect(await approvalsOf(name)).toEqual([]);
  });

  test('while the Receiver is suspended', async () => {
    const receiver = await createReceiver({});
    const target = await createWaiting();
    await call(receiver, { body: 'ready' });
    const key = { namespace: world.namespace, name: receiver };
    await world.client.patch(receivers, key, { spec: { suspend: true } }, { type: 'merge' });
    let status = 400;
    while (status === 400) ({ status } = await send(receiver, { body: 'not yet' }));
    expect(status).toBe(503);
    expect((await send(receiver, { body: sayingOf(target) })).status).toBe(503);
    expect(await approvalsOf(target)).toEqual([]);
  });
});

test.each<{ name: string; spec: Partial<Receiver['spec']>; says: string }>([
  {
    name: 'another type',
    spec: { type: 'generic' },
    says: "spec.decisions is only for spec.type 'generic-hmac'",
  },
  {
    name: 'resources as well',
    spec: { resources: [{ kind: 'GitRepository', name: 'x' }] },
    says: 'empty spec.resources',
  },
  {
    name: 'onlyPushedRef as well',
    spec: { onlyPushedRef: true },
    says: 'remove spec.onlyPushedRef',
  },
  {
    name: 'an account that is none',
    spec: { decisions: { ...forAll, serviceAccountName: 'kube-system:admin' } },
    says: "serviceAccountName 'kube-system:admin', which cannot be one",
  },
  {
    name: 'all objects',
    spec: { decisions: { ...forAll, targets: [{ kind: 'Kustomization', name: '*' }] } },
    says: "name '*' without matchLabels in targets[0]",
  },
  {
    name: 'no labels',
    spec: {
      decisions: { ...forAll, targets: [{ kind: 'Kustomization', name: '*', matchLabels: {} }] },
    },
    says: "name '*' without matchLabels in targets[0]",
  },
  {
    name: 'a filter that cannot be read',
    spec: { resourceFilter: 'req.' },
    says: 'spec.resourceFilter',
  },
])('a Receiver for decisions with $name is stalled, and refuses', async ({ spec, says }) => {
  const name = await createReceiver(spec);
  const stalled = await untilReceiver(
    name,
    ({ status }) => status?.conditions?.some(({ type }) => type === 'Stalled') ?? false,
  );
  assertStatusContract(stalled);
  expect(stalled.status?.conditions?.find(({ type }) => type === 'Ready')?.message).toContain(says);
  const target = await createWaiting();
  expect((await send(name, { body: sayingOf(target) })).ok).toBe(false);
  expect(await approvalsOf(target)).toEqual([]);
});
