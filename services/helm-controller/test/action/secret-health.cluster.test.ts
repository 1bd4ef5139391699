import { FakeClock } from '@sluice/shared/base';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Bed, installed, startBed } from './bed.ts';
import { configMap, type Doc, rendered } from './objects.ts';
import { type Call, wrapped } from './wrapped-client.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed('secret-health');
});
afterAll(async () => {
  await bed.stop();
});

const base64 = (text: string) => Buffer.from(text).toString('base64');
const [first, second, ready] = ['first', 'second', 'ready'].map(base64) as [string, string, string];

const secret = (name: string, data: Record<string, string>): Doc => ({
  ...{ apiVersion: 'v1', kind: 'Secret', data },
  metadata: { name },
});

const healthRules = {
  field: 'spec.healthCheckExprs',
  exprs: [
    { apiVersion: 'v1', kind: 'Secret', current: `has(data.token) && data.token == '${ready}'` },
    { apiVersion: 'v1', kind: 'ConfigMap', current: 'data.text.endsWith("ready")' },
  ],
};

/** Begins an install, in whose waits no time passes by itself. */
function begin(name: string, objects: Doc[]) {
  const clock = new FakeClock();
  const reads: Call[] = [];
  const applied = Promise.withResolvers<void>();
  const before = (call: Call) => void (call.endsWith(`/${name}`) && note(call));
  const note = (call: Call) => call.startsWith('get ') && reads.push(call);
  const ctx = {
    ...bed.ctx,
    ...{ clock, healthRules, onApplied: () => applied.resolve() },
    client: wrapped(bed.client, { before }),
  };
  const release = rendered(bed.namespace, objects, { name });
  const waiting = installed({ ...bed, ctx }, release, { timeoutMs: 3_600_000 });
  /** Lets time pass, in steps of a look each. */
  const letTimePass = async (seconds: number) => {
    for (let n = 0; n < seconds; n++) await clock.advance(1_000);
  };
  const token = (value: string) => bed.patch('Secret', name, { data: { token: value } });
  const untilRead = (times: number) =>
    vi.waitFor(() => expect(reads).toHaveLength(times), { timeout: 30_000, interval: 50 });
  return { waiting, applied: applied.promise, reads, letTimePass, token, untilRead };
}

test('a Secret is read once for each change after the apply, and not at first', async () => {
  const one = begin('changing', [secret('changing', { token: first })]);
  await one.applied;
  await one.letTimePass(60);
  expect(one.reads).toEqual([]);
  await one.token(second);
  await one.untilRead(1);
  await one.letTimePass(60);
  await one.token(ready);
  expect((await one.waiting).info.status).toBe('deployed');
  expect(one.reads).toHaveLength(2);
});

test('one that is good as it was applied is not read', async () => {
  const objects = [secret('good', { token: ready }), configMap('gate', { text: 'not yet' })];
  const one = begin('good', objects);
  await one.applied;
  // By then the watches have shown both.
  await bed.patch('ConfigMap', 'gate', { data: { text: 'ready' } });
  expect((await one.waiting).info.status).toBe('deployed');
  expect(one.reads).toEqual([]);
});

test('one that changes in a loop is read every two seconds, and its last state is seen', async () => {
  const one = begin('flood', [secret('flood', { token: first })]);
  await one.applied;
  await one.token(second);
  await one.untilRead(1);
  await one.letTimePass(1);
  for (let n = 0; n < 20; n++) await one.token(base64(`n-${n}`));
  await one.token(ready);
  expect(one.reads).toHaveLength(1);
  await one.letTimePass(1);
  expect((await one.waiting).info.status).toBe('deployed');
  expect(one.reads).toHaveLength(2);
});

test('so is a ConfigMap whose text is too long for the watch', async () => {
  const text = 'x'.repeat(1_000);
  const one = begin('long', [configMap('long', { text })]);
  await one.applied;
  await bed.patch('ConfigMap', 'long', { data: { text: `${text}ready` } });
  expect((await one.waiting).info.status).toBe('deployed');
  expect(one.reads).toHaveLength(1);
});
