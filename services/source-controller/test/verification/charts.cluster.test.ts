import {
  type Cosign,
  cosignIsMissing,
  type Notation,
  type Registry,
  startCosign,
  startHelmServer,
  startNotation,
  startRegistry,
} from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conditionOf, type SourceBed, startSourceBed } from '../source-bed.ts';
import { verifiedOf } from './signed.ts';

const chartType = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';
const sourceRef = { kind: 'HelmRepository' as const, name: 'oci' };

const missing = cosignIsMissing();
let bed: SourceBed;
let registry: Registry;
let cosign: Cosign;
let notation: Notation;
const packages = new Map<string, Buffer>();

/** Pushes a version under its tag; returns `<host>/<repository>@<digest>`. */
async function push(chart: string, version: string): Promise<string> {
  const digest = await registry.pushArtifact({
    repository: `charts/${chart}`,
    tag: version,
    layers: [{ mediaType: chartType, data: packages.get(version) as Buffer }],
    configMediaType: 'application/vnd.cncf.helm.config.v1+json',
  });
  return `${registry.host}/charts/${chart}@${digest}`;
}

beforeAll(async () => {
  [bed, registry, cosign, notation] = await Promise.all([
    startSourceBed(),
    startRegistry(),
    startCosign(),
    startNotation(),
  ]);
  const maker = await startHelmServer();
  for (const version of ['1.0.0', '2.0.0']) {
    await maker.publish({ name: 'app', version });
    packages.set(version, maker.files.get(`charts/app-${version}.tgz`) as Buffer);
  }
  await maker.stop();
  if (missing === undefined) {
    await bed.createSecret('keys', { 'team.pub': await cosign.generateKey('key') });
  }
  const trustPolicies = [
    {
      name: 'all',
      registryScopes: ['*'],
      signatureVerification: { level: 'strict' },
      trustStores: ['ca:any'],
      trustedIdentities: ['*'],
    },
  ];
  await bed.createSecret('notation', {
    'trustpolicy.json': JSON.stringify({ version: '1.0', trustPolicies }),
    'team.crt': await notation.generateCertificate('team'),
  });
  await bed.createHelm('oci', {
    type: 'oci',
    insecure: true,
    url: `${registry.ociUrl}/charts`,
  });
});

afterAll(async () => {
  await Promise.all([bed?.stop(), registry?.stop(), cosign?.stop(), notation?.stop()]);
});

const byCosign = { provider: 'cosign' as const, secretRef: { name: 'keys' } };

describe('a HelmChart that has to be signed', () => {
  it.skipIf(missing)('is made of the version that cosign signed, and of no other', async () => {
    await cosign.sign(await push('cosign', '1.0.0'), 'key', 'bundle');
    const spec = { chart: 'cosign', version: '1.0.0', sourceRef, verify: byCosign };
    const chart = await bed.createChart('cosign', spec);
    const ready = await bed.ready(chart, '1.0.0');
    expect(verifiedOf(ready)).toEqual({
      status: 'True',
      reason: 'Succeeded',
      message: "verified signature of version 1.0.0, made by key 'team.pub'",
    });

    const unsigned = await push('cosign', '2.0.0');
    await bed.patchSpec(chart, { version: '2.0.0' });
    const failed = await bed.failed(chart, 'VerificationError');
    expect(failed.status?.artifact).toEqual(ready.status?.artifact);
    expect(verifiedOf(failed).message).toMatch(/: it is not signed$/);

    await cosign.sign(unsigned, 'key', 'simple');
    expect(verifiedOf(await bed.ready(chart, '2.0.0')).status).toBe('True');
  });

  it('is made of the version that notation signed, and of no other', async () => {
    const reference = await push('notation', '1.0.0');
    const verify = { provider: 'notation' as const, secretRef: { name: 'notation' } };
    const spec = { chart: 'notation', version: '1.0.0', sourceRef, verify };
    const chart = await bed.createChart('notation', spec);
    await bed.failed(chart, 'VerificationError');
    await notation.sign(reference, 'team', 'cose');
    expect(verifiedOf(await bed.ready(chart, '1.0.0')).status).toBe('True');
  });

  it.skipIf(missing)('is verified anew when the spec changes', async () => {
    await cosign.sign(await push('again', '1.0.0'), 'key', 'bundle');
    const spec = { chart: 'again', version: '1.0.0', sourceRef };
    const chart = await bed.createChart('again', spec);
    expect(conditionOf(await bed.ready(chart), 'SourceVerified')).toBeUndefined();
    await bed.patchSpec(chart, { verify: byCosign });
    await bed.until(chart, (o) => verifiedOf(o).status === 'True');
    await bed.createSecret('others', { 'x.pub': await cosign.generateKey('other') });
    await bed.patchSpec(chart, { verify: { secretRef: { name: 'others' } } });
    const failed = await bed.failed(chart, 'VerificationError');
    expect(verifiedOf(failed).message).toContain('no trusted key made it');
  });
});
