import type { KubeClient } from '@sluice/shared/kube';
import { assertStatusContract, until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fragileChart } from './charts.ts';
import { type Bed, conditionOf, secrets, startBed } from './harness.ts';

/** What the watch of the records tells waits for this. */
let news: Promise<void> = Promise.resolve();

async function* late<T>(events: AsyncIterable<T>): AsyncIterable<T> {
  for await (const event of events) {
    await news;
    yield event;
  }
}

/** Returns a client whose watch of Helm's records is late while {@link news} is awaited. */
function lateClient(client: KubeClient): KubeClient {
  const watch: KubeClient['watch'] = (resource, o) => {
    const events = client.watch<never>(resource, o);
    return o.labelSelector === 'owner=helm' ? late(events) : events;
  };
  return new Proxy(client, {
    get(target, property) {
      const value = Reflect.get(target, property, target);
      if (property === 'watch') return watch;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

let bed: Bed;
beforeAll(async () => {
  bed = await startBed([], { wrap: lateClient });
  await bed.publish(fragileChart());
});
afterAll(() => bed.stop());

const requested = 'reconcile.fluxcd.io/requestedAt';
const rare = { name: 'RetryOnFailure', retryInterval: '1h' } as const;

const handled = (token: string, name: string) =>
  bed.when(({ status }) => status?.lastHandledReconcileAt === token, name);

/** Holds back what the watch tells while something is done, then lets it be heard. */
async function unheard(act: () => Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  news = promise;
  try {
    await act();
  } finally {
    resolve();
  }
}

/** Resolves when what the watch had to tell was heard: the loss of one more release is noticed by it alone. */
async function caughtUp(name: string): Promise<void> {
  await bed.apply({}, name);
  await bed.ready('1.0.0', name);
  const record = { namespace: bed.namespace, name: `sh.helm.release.v1.${name}.v1` };
  const { metadata } = await bed.client.get(secrets, record);
  await bed.helm('uninstall', name);
  await until(bed.client, secrets, record, (one) => one.metadata.uid !== metadata.uid);
}

test('a request finds a failed release uninstalled before the watch tells of it', async () => {
  await bed.apply({ install: { strategy: rare }, values: { refused: true } }, 'failed');
  await bed.failed('InstallFailed', 'failed');
  await caughtUp('first');
  await unheard(async () => {
    await bed.helm('uninstall', 'failed');
    await bed.annotate({ [requested]: 'now' }, 'failed');
    await handled('now', 'failed');
  });
  // The late news is of a record in whose place there is another one.
  await caughtUp('second');
  const object = await bed.get('failed');
  assertStatusContract(object);
  expect(conditionOf(object, 'Stalled')).toBeUndefined();
  expect(object.status).toMatchObject({ installFailures: 2, history: [{ version: 1 }] });
  expect(object.status).not.toHaveProperty('upgradeFailures');
});

test('a change finds a release uninstalled before the watch tells of it', async () => {
  await bed.apply({}, 'changed');
  await bed.ready('1.0.0', 'changed');
  await caughtUp('third');
  await unheard(async () => {
    await bed.helm('uninstall', 'changed');
    await bed.patch({ values: { text: 'other' } }, 'changed');
    const object = await bed.ready('1.0.0', 'changed');
    expect(object.status?.history).toMatchObject([{ version: 1, action: 'install' }]);
  });
});
