import { FakeClock } from '@sluice/shared/base';
import { until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Bed, configMap, configMaps, startBed } from './harness.ts';

const minute = 60_000;
const clock = new FakeClock();
let bed: Bed;
beforeAll(async () => {
  // Nothing follows by itself: time passes when a test says so.
  bed = await startBed([], { clock });
});
afterAll(() => bed.stop());

/** A Service that the API server refuses. */
const refused = (name: string) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { ports: [{ port: 99_999 }] },
  });

const sourceRef = (name: string) => ({ kind: 'ExternalArtifact' as const, name });

/**
 * Publishes files below `app`, and waits until the watch of the sources has them: another Kustomization has followed it.
 * What it has not yet seen of a source, it would tell as news.
 */
async function publishSeen(name: string, files: Record<string, string>): Promise<void> {
  const probe = `${name}-probe`;
  const own = Object.entries(files).map(([path, text]) => [`app/${path}`, text]);
  const publish = (revision: string) => {
    const seen = { 'probe/a.yaml': configMap(probe, { revision }) };
    return bed.publish({ ...Object.fromEntries(own), ...seen }, revision, name);
  };
  await publish('r0');
  await bed.apply({ sourceRef: sourceRef(name), path: './probe' }, probe);
  await bed.ready('r0', probe);
  await publish('r1');
  await bed.ready('r1', probe);
}

/** Reconciles of a Kustomization that have ended. */
async function reconciles(name: string): Promise<number> {
  const lines = (await bed.metrics()).split('\n');
  const isOwn = (line: string) =>
    line.startsWith('gotk_reconcile_duration_seconds_count{') &&
    line.includes(`name="${name}"`) &&
    line.includes(`namespace="${bed.namespace}"`);
  return Number(lines.find(isOwn)?.split(' ').at(-1) ?? 0);
}

async function untilReconciled(name: string, times: number): Promise<void> {
  const look = async () => expect(await reconciles(name)).toBe(times);
  await vi.waitFor(look, { timeout: 60_000, interval: 50 });
}

/**
 * Waits until the watches have shown everything so far, and what they gave reason to is done: of a ConfigMap that is
 * deleted now, the watch tells after it.
 */
async function settled(name: string): Promise<void> {
  const last = `${name}-last`;
  const key = { namespace: bed.namespace, name: last };
  await bed.publish({ 'a.yaml': configMap(last) }, 'r1', last);
  await bed.apply({ sourceRef: sourceRef(last) }, last);
  await bed.ready('r1', last);
  const { uid } = (await bed.client.get(configMaps, key)).metadata;
  await bed.client.delete(configMaps, key);
  await until(bed.client, configMaps, key, ({ metadata }) => metadata.uid !== uid);
}

test('a revision of which an object is refused is tried once until retryInterval is over', async () => {
  await publishSeen('half', { 'a.yaml': configMap('half'), 'b.yaml': refused('half') });
  const spec = { interval: '24h', retryInterval: '1h', sourceRef: sourceRef('half') };
  await bed.apply({ ...spec, path: './app' }, 'half');
  await bed.failed('ReconciliationFailed', 'half', /Service\/.*half.* applied:\nConfigMap/s);
  await untilReconciled('half', 1);
  await settled('half');
  await clock.advance(59 * minute);
  await settled('half-hour');
  expect(await reconciles('half')).toBe(1);

  await clock.advance(minute);
  await untilReconciled('half', 2);
  await settled('half-again');
  expect(await reconciles('half')).toBe(2);

  await bed.publish({ 'app/a.yaml': configMap('half') }, 'r2', 'half');
  await bed.ready('r2', 'half');
});

test('without retryInterval it is tried again after delays that grow from --min-retry-delay', async () => {
  await publishSeen('grown', { 'a.yaml': configMap('grown'), 'b.yaml': refused('grown') });
  await bed.apply({ interval: '24h', sourceRef: sourceRef('grown'), path: './app' }, 'grown');
  await untilReconciled('grown', 1);
  await clock.advance(374);
  await settled('grown');
  expect(await reconciles('grown')).toBe(1);

  await clock.advance(376);
  await untilReconciled('grown', 2);
  await clock.advance(749);
  await settled('grown-more');
  expect(await reconciles('grown')).toBe(2);
  await clock.advance(751);
  await untilReconciled('grown', 3);
});

test('without retryInterval it is tried again after the interval at the latest', async () => {
  await publishSeen('short', { 'a.yaml': configMap('short'), 'b.yaml': refused('short') });
  await bed.apply({ interval: '10s', sourceRef: sourceRef('short'), path: './app' }, 'short');
  await untilReconciled('short', 1);
  // The eighth delay would be more than half a minute.
  for (let times = 2; times <= 9; times++) {
    await clock.advance(10_000);
    await untilReconciled('short', times);
  }
});

test('a retryInterval that is shorter than the delays, and longer than they are at first, is kept', async () => {
  await publishSeen('exact', { 'a.yaml': configMap('exact'), 'b.yaml': refused('exact') });
  const spec = { interval: '24h', retryInterval: '10s', sourceRef: sourceRef('exact') };
  await bed.apply({ ...spec, path: './app' }, 'exact');
  await untilReconciled('exact', 1);
  for (let times = 2; times <= 9; times++) {
    await clock.advance(9_999);
    expect(await reconciles('exact')).toBe(times - 1);
    await clock.advance(1);
    await untilReconciled('exact', times);
  }
});

test('a revision that is applied is looked at once until the interval is over', async () => {
  await publishSeen('good', { 'a.yaml': configMap('good') });
  await bed.apply({ interval: '1h', sourceRef: sourceRef('good'), path: './app' }, 'good');
  await bed.ready('r1', 'good');
  await untilReconciled('good', 1);
  await settled('good');
  // Intervals vary by a few percent.
  await clock.advance(54 * minute);
  await settled('good-hour');
  expect(await reconciles('good')).toBe(1);

  await clock.advance(12 * minute);
  await untilReconciled('good', 2);
});
