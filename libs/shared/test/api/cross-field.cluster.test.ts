import { type Approval, allKinds, apiVersionOf, approvalKind, fieldsOf } from '@sluice/shared/api';
import { ApiError, type KubeClient, resourceOf } from '@sluice/shared/kube';
import { testCluster, testNamespace } from '@sluice/testing';
import { beforeAll, expect, test } from 'vitest';
import { crossFieldCases } from './cross-field.ts';
import type { AnyObject } from './objects.ts';

let client: KubeClient;
let namespace: string;

beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'api-rules');
});

test.each(crossFieldCases)('$kind: $name is refused', async ({ kind, broken, message }) => {
  const refusal = await create(kind, broken).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(ApiError);
  const details = (refusal as ApiError).details as { causes?: { message?: string }[] } | undefined;
  const causes = details?.causes ?? [];
  expect(causes.map((cause) => cause.message ?? '')).toContainEqual(
    expect.stringContaining(message),
  );
});

test.each(crossFieldCases)(
  '$kind: the counterpart of $name is accepted',
  async ({ kind, kept }) => {
    await expect(create(kind, kept)).resolves.toMatchObject({ spec: kept });
  },
);

test('every cross-field rule of every kind is broken by a case', () => {
  const unbroken = allKinds.flatMap((kind) => {
    const broken = crossFieldCases.filter((entry) => entry.kind === kind.kind);
    return (
      fieldsOf(kind)
        .flatMap(({ schema }) => schema['x-kubernetes-validations'] ?? [])
        // What forbids a change is broken by none that is made anew.
        .filter(({ rule }) => !rule.includes('oldSelf'))
        .filter(({ message }) => !broken.some((entry) => message.includes(entry.message)))
        .map(({ message }) => `${kind.kind}: ${message}`)
    );
  });
  expect(unbroken).toEqual([]);
});

test('what an Approval says cannot be changed', async () => {
  const spec = {
    targetRef: { kind: 'Kustomization', name: 'web' },
    planDigest: `sha256:${'a'.repeat(64)}`,
    user: 'lead',
  };
  const metadata = { name: 'kept', namespace };
  const approvals = resourceOf(approvalKind);
  const apiVersion = apiVersionOf(approvalKind);
  await client.create(approvals, { apiVersion, kind: 'Approval', metadata, spec } as Approval);
  const changed = client.patch(approvals, metadata, { spec: { user: 'other' } }, { type: 'merge' });
  await expect(changed).rejects.toThrow('spec of an Approval cannot be changed');
  const labelled = { metadata: { labels: { seen: 'yes' } } };
  await expect(
    client.patch(approvals, metadata, labelled, { type: 'merge' }),
  ).resolves.toMatchObject({ spec });
});

function create(kindName: string, spec: Record<string, unknown>): Promise<AnyObject> {
  const kind = allKinds.find((entry) => entry.kind === kindName);
  if (!kind) throw new Error(`no kind ${kindName}`);
  const object = {
    apiVersion: apiVersionOf(kind),
    kind: kindName,
    metadata: { name: 'x', namespace },
    spec,
  };
  return client.create<AnyObject>(resourceOf(kind), object, { dryRun: true });
}
