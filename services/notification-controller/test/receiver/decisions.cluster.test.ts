import type { HelmRelease, KubeObject } from '@sluice/shared/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  account,
  approvalsOf,
  call,
  createReceiver,
  createWaiting,
  digest,
  elsewhere,
  forAll,
  helmReleases,
  inStatus,
  lastCall,
  plan,
  sayingOf,
  startDecisions,
  stopDecisions,
  unique,
  world,
} from './decisions-bed.ts';

beforeAll(startDecisions);
afterAll(stopDecisions);

describe('a signed decision', () => {
  test('makes one Approval, by the account, however often it is sent and by whomever', async () => {
    const { namespace } = world;
    const receiver = await createReceiver({});
    const name = await createWaiting();
    const body = sayingOf(name);
    const first = await call(receiver, { body });
    expect(first).toEqual({
      status: 200,
      said: expect.stringContaining(`Kustomization ${namespace}/${name}: created the Approval`),
    });
    await lastCall(receiver, 'Succeeded');
    for (const again of [
      { body },
      { body, id: 'one' },
      { body, id: 'one' },
      { body: sayingOf(name, { user: 'joe@example.com' }) },
    ])
      expect(await call(receiver, again)).toEqual({
        status: 200,
        said: expect.stringContaining('there already was the Approval'),
      });
    const [approval, ...others] = await approvalsOf(name);
    expect(others).toEqual([]);
    expect(approval?.spec).toEqual({
      targetRef: { kind: 'Kustomization', name },
      planDigest: digest('a'),
      user: account(),
      decision: 'Approve',
      reason: `Receiver ${namespace}/${receiver} claims that "jane@example.com" decides: CHG-1`,
    });
    expect(first.said).toContain(`'${approval?.metadata.name}' of ${account()}`);
    expect(approval?.metadata.ownerReferences).toMatchObject([{ kind: 'Kustomization', name }]);
  });

  test('that follows another one under the same identifier is taken', async () => {
    const receiver = await createReceiver({});
    const [one, two] = [await createWaiting(), await createWaiting()];
    for (const name of [one, two])
      expect(await call(receiver, { body: sayingOf(name), id: 'same' })).toMatchObject({
        status: 200,
      });
    expect(await approvalsOf(two)).toHaveLength(1);
  });

  test('may reject, and cannot put words into the mouth of the controller', async () => {
    const receiver = await createReceiver({});
    const name = await createWaiting();
    const user = 'joe\u001b[31m" decides: by all\n';
    const body = sayingOf(name, { decision: 'Reject', user, reason: undefined });
    expect(await call(receiver, { body })).toMatchObject({ status: 200 });
    const [rejection] = await approvalsOf(name);
    expect(rejection?.spec).toMatchObject({
      decision: 'Reject',
      reason: `Receiver ${world.namespace}/${receiver} claims that "joe\\" decides: by all" decides`,
    });
  });

  test('has a reason that the API server takes, however long', async () => {
    const receiver = await createReceiver({});
    const name = await createWaiting();
    const body = sayingOf(name, { user: '"\ud800'.repeat(1000), reason: '😀'.repeat(1000) });
    expect(await call(receiver, { body })).toMatchObject({ status: 200 });
    expect(await approvalsOf(name)).toHaveLength(1);
  });

  test('about a HelmRelease by its name is taken', async () => {
    const { client, namespace } = world;
    const { metadata } = await client.create<HelmRelease>(helmReleases, {
      apiVersion: 'helm.toolkit.fluxcd.io/v2',
      kind: 'HelmRelease',
      metadata: { name: unique(), namespace },
      spec: { interval: '1h', chartRef: { kind: 'OCIRepository', name: 'x' } },
    });
    await client.patch(helmReleases, metadata, { status: { plan } }, inStatus);
    const { name } = metadata;
    const receiver = await createReceiver({
      decisions: { ...forAll, targets: [{ kind: 'HelmRelease', name }] },
    });
    const answer = await call(receiver, { body: sayingOf(name, { kind: 'HelmRelease' }) });
    expect(answer).toMatchObject({ status: 200 });
    expect(await approvalsOf(name)).toHaveLength(1);
  });

  test('is asked about by the filter, which sees the body whatever its content type', async () => {
    const resourceFilter = "req.user.endsWith('@example.com') && res.metadata.labels.chat == 'yes'";
    const receiver = await createReceiver({ resourceFilter });
    const name = await createWaiting();
    const headers = { 'content-type': 'text/plain' };
    expect(await call(receiver, { body: sayingOf(name), headers })).toMatchObject({ status: 200 });
    expect(await approvalsOf(name)).toHaveLength(1);
  });
});

describe('another namespace', () => {
  test('needs the rights of the account there', async () => {
    const target = await createWaiting({ namespace: elsewhere });
    const targets = forAll.targets.map((one) => ({ ...one, namespace: elsewhere }));
    const receiver = await createReceiver({ decisions: { ...forAll, targets } });
    const body = sayingOf(target, { namespace: elsewhere });
    expect(await call(receiver, { body })).toMatchObject({ status: 403 });
    // A namesake there is another account.
    expect(await approvalsOf(target, elsewhere)).toEqual([]);
    const rbac = 'rbac.authorization.k8s.io';
    const bindings = {
      group: rbac,
      version: 'v1',
      kind: 'RoleBinding',
      plural: 'rolebindings',
      namespaced: true,
    };
    await world.client.create(bindings, {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata: { name: 'from-there', namespace: elsewhere },
      roleRef: { apiGroup: rbac, kind: 'Role', name: 'chat' },
      subjects: [{ kind: 'ServiceAccount', name: 'chat', namespace: world.namespace }],
    } as KubeObject);
    let answer = await call(receiver, { body });
    while (answer.status === 403) answer = await call(receiver, { body });
    expect(answer).toMatchObject({ status: 200 });
    const [approval] = await approvalsOf(target, elsewhere);
    expect(approval?.spec.user).toBe(account());
  });
});
