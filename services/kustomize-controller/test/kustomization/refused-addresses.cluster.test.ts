import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { externalArtifactKind, type KubeObject, type KustomizationSpec } from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { artifactsOnly, type Canary, kubeconfigFor, startCanary } from '@sluice/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Bed, conditionOf, configMap, secrets, startBed } from './harness.ts';

// The address of the artifacts stands for a server out on the Internet, all else of this machine for what is out of
// bounds.
let bed: Bed;
let canary: Canary;
let outside: Server;
beforeAll(async () => {
  canary = await startCanary();
  outside = createServer(({ url = '' }, response) => {
    const location = `http://127.0.0.1:${canary.port}${url}`;
    response.writeHead(302, { location }).end();
  });
  outside.listen(0, artifactsOnly.host);
  await once(outside, 'listening');
  bed = await startBed(['--insecure-kubeconfig-tls'], { localNetwork: false });
});
afterAll(async () => {
  await bed?.stop();
  outside?.closeAllConnections();
  outside?.close();
  await canary?.close();
});
// Whatever a test did, nothing may have arrived.
afterEach(() => expect(canary.reached()).toBe(0));

const hosts = ['127.0.0.1', 'localhost', '[::1]', '0.0.0.0', '[::ffff:7f00:1]', '169.254.169.254'];
const names = hosts.map((host, index) => ({ host, name: `host-${index}` }));

/** How messages say where an address leads. */
const refusal = (host: string) => {
  const { hostname } = new URL(`http://${host}`);
  const shown = hostname.replaceAll(/[[\]]/g, '').replaceAll('.', '\\.');
  return `host '${shown}' has (?:an?|the) .*address.*, which is refused`;
};

async function refused(
  o: { name: string; reason: string; message: RegExp },
  spec: Partial<KustomizationSpec> = {},
) {
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name: o.name }, ...spec }, o.name);
  const object = await bed.failed(o.reason, o.name);
  expect(conditionOf(object)?.message).toMatch(o.message);
  const event = await bed.event(
    (e) => e.involvedObject.name === o.name && e.reason === o.reason && e.severity === 'error',
  );
  expect(event.message).toMatch(o.message);
}

describe('at a refused address, nothing is asked by', () => {
  it.each(names)('a kubeConfig whose server is $host', async ({ host, name: id }) => {
    const name = `kubeconfig-${id}`;
    await bed.publish({ 'a.yaml': configMap(name) }, 'r1', name);
    const server = `http://${host}:${canary.port}`;
    await bed.client.create(secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: bed.namespace },
      stringData: { value: kubeconfigFor(server) },
    } as KubeObject);
    const message = new RegExp(`spec\\.kubeConfig.*${refusal(host)}`);
    const kubeConfig = { secretRef: { name } };
    // A name is looked up by the first request.
    const reason = host === 'localhost' ? 'APIRequestFailed' : 'ReconciliationFailed';
    await refused({ name, reason, message }, { kubeConfig });
  });

  it.each(names)('a remote base at $host', async ({ host, name: id }) => {
    const name = `base-${id}`;
    const resources = [`http://${host}:${canary.port}/base.yaml`];
    await bed.publish({ 'kustomization.yaml': JSON.stringify({ resources }) }, 'r1', name);
    const message = new RegExp(`remote file http://.*${refusal(host)}`);
    await refused({ name, reason: 'BuildFailed', message });
  });

  it('a remote base that is redirected', async () => {
    const { port } = outside.address() as AddressInfo;
    const resources = [`http://${artifactsOnly.host}:${port}/base.yaml`];
    await bed.publish({ 'kustomization.yaml': JSON.stringify({ resources }) }, 'r1', 'redirected');
    const message = new RegExp(refusal('127.0.0.1'));
    await refused({ name: 'redirected', reason: 'BuildFailed', message });
  });

  it('an ExternalArtifact, straight or redirected', async () => {
    const { port } = outside.address() as AddressInfo;
    const origins = [`http://127.0.0.1:${canary.port}`, `http://${artifactsOnly.host}:${port}`];
    for (const [index, origin] of origins.entries()) {
      const name = `artifact-${index}`;
      const artifact = await bed.publish({ 'a.yaml': configMap(name) }, 'r1', name);
      const status = { artifact: { ...artifact, url: `${origin}/a.tar.gz` } };
      const key = { namespace: bed.namespace, name };
      const options = { type: 'merge', subresource: 'status' } as const;
      await bed.client.patch(resourceOf(externalArtifactKind), key, { status }, options);
      const message = /artifact .*(which is refused|redirect|status 302)/;
      await refused({ name, reason: 'ArtifactFailed', message });
    }
  });
});

it('what is within reach is applied', async () => {
  await bed.publish({ 'a.yaml': configMap('within') }, 'r1', 'within');
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name: 'within' } }, 'within');
  await bed.ready('r1', 'within');
});
