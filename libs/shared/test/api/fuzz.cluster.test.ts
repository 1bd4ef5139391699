import { allKinds, fieldsOf, type KindDefinition } from '@sluice/shared/api';
import { ApiError, type KubeClient, resourceOf } from '@sluice/shared/kube';
import { testCluster, testNamespace } from '@sluice/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatPath, type Mutation, mutate, mutationsOf } from './invalid.ts';
import { type AnyObject, completeObject, validObject } from './objects.ts';

const dryRun = { dryRun: true } as const;
const numRuns = 50;
const parallel = 8;

const kinds = allKinds.map((kind) => [kind.kind, kind] as const);
const kindsWithStatus = kinds.filter(([, kind]) => kind.hasStatus);

interface Key {
  namespace: string;
  name: string;
}

let client: KubeClient;
let namespace: string;

beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'api-fuzz');
});

describe.each(kinds)('a real API server and the spec of %s', (_, kind) => {
  const resource = resourceOf(kind);

  test('it accepts every spec that the schema accepts, and drops nothing from it', async () => {
    await fc.assert(
      fc.asyncProperty(validObject(kind), async (generated) => {
        const object = inNamespace(generated);
        const stored = await client.create<AnyObject>(resource, object, dryRun);
        expect(stored.spec).toMatchObject(asJson(object.spec));
      }),
      { numRuns },
    );
  });

  test('it refuses every invalid spec, and says which field is wrong', async () => {
    const complete = inNamespace(completeObject(kind));
    await expectRefusals(kind, 'spec', complete, (object) =>
      client.create(resource, object, dryRun),
    );
  });
});

describe.each(kindsWithStatus)('a real API server and the status of %s', (_, kind) => {
  let key: Key;

  beforeAll(async () => {
    key = await createValid(kind);
  });
  afterAll(() => client.delete(resourceOf(kind), key));

  test('it accepts every status that the schema accepts, and drops nothing from it', async () => {
    await fc.assert(
      fc.asyncProperty(validObject(kind), async ({ status }) => {
        const stored = await patchStatus(kind, key, status);
        expect(stored.status).toMatchObject(asJson(status ?? {}));
      }),
      { numRuns },
    );
  });

  test('it refuses every invalid status, and says which field is wrong', async () => {
    await expectRefusals(kind, 'status', completeObject(kind), ({ status }) =>
      patchStatus(kind, key, status),
    );
  });
});

async function expectRefusals(
  kind: KindDefinition,
  part: 'spec' | 'status',
  complete: AnyObject,
  send: (object: AnyObject) => Promise<unknown>,
): Promise<void> {
  const mutations = fieldsOf(kind)
    .filter(({ path }) => path === part || path.startsWith(`${part}.`))
    .flatMap((field) => mutationsOf(field, complete));
  const verdicts = await inParallel(mutations, async (mutation) => {
    const verdict = await refusalOf(() => send(mutate(complete, mutation) as AnyObject), mutation);
    return verdict === undefined ? [] : [`${mutation.name}: ${verdict}`];
  });
  expect(mutations.length).toBeGreaterThan(0);
  expect(verdicts.flat()).toEqual([]);
}

/** Returns undefined when the request is refused because of the mutated field, else what happened instead. */
async function refusalOf(
  send: () => Promise<unknown>,
  mutation: Mutation,
): Promise<string | undefined> {
  try {
    await send();
    return 'accepted';
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 422) throw error;
    const causes = causesOf(error);
    return causes.includes(formatPath(mutation.path))
      ? undefined
      : `refused for ${causes.join(', ')}`;
  }
}

function causesOf(error: ApiError): string[] {
  const details = error.details as { causes?: { field?: string }[] } | undefined;
  return (details?.causes ?? []).map((cause) => cause.field ?? '');
}

/** Creates a valid object, suspended so that a controller on the same cluster leaves it alone. */
async function createValid(kind: KindDefinition): Promise<Key> {
  const [sample] = fc.sample(validObject(kind), { numRuns: 1, seed: 2 });
  if (!sample) throw new Error(`nothing generated for ${kind.kind}`);
  const key = { namespace, name: `${kind.singular}-${crypto.randomUUID().slice(0, 8)}` };
  const canSuspend = fieldsOf(kind).some(({ path }) => path === 'spec.suspend');
  const spec = canSuspend ? { ...sample.spec, suspend: true } : sample.spec;
  await client.create(resourceOf(kind), { ...sample, metadata: key, spec });
  return key;
}

function patchStatus(kind: KindDefinition, key: Key, status: unknown) {
  return client.patch<AnyObject>(
    resourceOf(kind),
    key,
    { status },
    {
      type: 'merge',
      subresource: 'status',
      ...dryRun,
    },
  );
}

function inNamespace(object: AnyObject): AnyObject {
  return { ...object, metadata: { ...object.metadata, namespace } };
}

/** What remains of a value after a trip through JSON, which knows no negative zero. */
function asJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

async function inParallel<T, R>(items: T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += parallel) {
    results.push(...(await Promise.all(items.slice(start, start + parallel).map(work))));
  }
  return results;
}
