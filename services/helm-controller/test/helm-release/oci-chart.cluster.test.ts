import { type KubeObject, ociRepositoryKind } from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, type ChartFiles, chart, startBed } from './harness.ts';

const ociRepositories = resourceOf(ociRepositoryKind);
const digestOf = (digit: string) => `sha256:${digit.repeat(64)}`;

/** What the one who pushed the chart says of it. */
const pushed = {
  'org.opencontainers.image.source': 'https://github.com/acme/shop.git',
  'org.opencontainers.image.revision': `main@sha1:${'c'.repeat(40)}`,
};

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
  await bed.client.create(ociRepositories, {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'OCIRepository',
    metadata: { namespace: bed.namespace, name: 'chart' },
    spec: { interval: '10m', url: 'oci://registry.invalid/charts/web', ref: { semver: '1.x' } },
  } as KubeObject);
});
afterAll(() => bed.stop());

/** Does what source-controller does when it has pulled a chart. */
async function pull(files: ChartFiles, revision: string): Promise<void> {
  const artifact = await bed.publish(files, revision, 'pulled');
  const status = { observedGeneration: 1, artifact: { ...artifact, metadata: pushed } };
  const key = { namespace: bed.namespace, name: 'chart' };
  const options = { type: 'merge', subresource: 'status' } as const;
  await bed.client.patch(ociRepositories, key, { status }, options);
}

test('the digest is part of the version, so that a tag which moved is released', async () => {
  await pull(chart(), `1.0.0@${digestOf('a')}`);
  await bed.apply({ chartRef: { kind: 'OCIRepository', name: 'chart' } });
  const first = await bed.ready('1.0.0+aaaaaaaaaaaa');
  expect(first.status).toMatchObject({
    lastAttemptedRevision: '1.0.0+aaaaaaaaaaaa',
    lastAttemptedRevisionDigest: digestOf('a'),
    history: [{ version: 1, ociDigest: digestOf('a') }],
  });
  expect(first.status).not.toHaveProperty('helmChart');
  const installed = await bed.event((e) => e.reason === 'InstallSucceeded');
  expect(installed.metadata).toMatchObject({
    'helm.toolkit.fluxcd.io/revision': '1.0.0+aaaaaaaaaaaa',
    'helm.toolkit.fluxcd.io/oci-digest': digestOf('a'),
    'facts.sluice.dev/sourceURL': 'https://github.com/acme/shop.git',
    'facts.sluice.dev/sourceRevision': `main@sha1:${'c'.repeat(40)}`,
  });

  const moved = chart('1.0.0', { 'values.yaml': 'text: moved\n' });
  await pull(moved, `1.0.0@${digestOf('b')}`);
  const second = await bed.ready('1.0.0+bbbbbbbbbbbb');
  expect(second.status).toMatchObject({
    lastAttemptedRevisionDigest: digestOf('b'),
    history: [
      { version: 2, ociDigest: digestOf('b') },
      { version: 1, ociDigest: digestOf('a') },
    ],
  });
  expect(JSON.parse(await bed.helm('ls', '-o', 'json'))).toMatchObject([
    { name: 'app', revision: '2', chart: 'web-1.0.0+bbbbbbbbbbbb' },
  ]);

  // Who leaves OCI for another source has no digest any more.
  await bed.publish(chart('1.0.1'), '1.0.1');
  await bed.patch({ chartRef: { kind: 'ExternalArtifact', name: 'source' } });
  const third = await bed.ready('1.0.1');
  expect(third.status).not.toHaveProperty('lastAttemptedRevisionDigest');
});
