import type { KubeObject } from '@sluice/shared/api';
import { type Canary, kubeconfigFor, startCanary } from '@sluice/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, conditionOf, secrets, startBed } from './harness.ts';

let bed: Bed;
let canary: Canary;
beforeAll(async () => {
  canary = await startCanary();
  bed = await startBed(['--insecure-kubeconfig-tls'], { localNetwork: false });
  await bed.publish(chart());
});
afterAll(async () => {
  await bed?.stop();
  await canary?.close();
});
// Whatever a test did, nothing may have arrived.
afterEach(() => expect(canary.reached()).toBe(0));

const hosts = ['127.0.0.1', 'localhost', '[::1]', '0.0.0.0', '[::ffff:7f00:1]', '169.254.169.254'];

test.each(hosts)('a kubeConfig whose server is %s has nothing asked there', async (host) => {
  const name = `host-${hosts.indexOf(host)}`;
  await bed.client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: bed.namespace },
    stringData: { value: kubeconfigFor(`http://${host}:${canary.port}`) },
  } as KubeObject);
  await bed.apply({ kubeConfig: { secretRef: { name } } }, name);
  const isRefused = (text: string | undefined) =>
    /spec\.kubeConfig.* has (?:an?|the) .*address.*, which is refused/.test(text ?? '');
  const object = await bed.when((o) => conditionOf(o)?.status === 'False', name);
  expect(conditionOf(object)?.message).toSatisfy(isRefused);
  const event = await bed.event(
    (e) => e.involvedObject.name === name && e.severity === 'error' && isRefused(e.message),
  );
  expect(event.reason).toBe(conditionOf(object)?.reason);
});

test('a chart within reach is released', async () => {
  await bed.apply({}, 'within');
  await bed.ready('1.0.0', 'within');
});
