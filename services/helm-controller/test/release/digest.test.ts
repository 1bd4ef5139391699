import { describe, expect, test } from 'vitest';
import { digestOf, observationOf } from '../../src/release/digest.ts';
import type { Chart, Hook, Release } from '../../src/release/release.ts';
import { snapshotOf, testHooksOf, verifySnapshot } from '../../src/release/snapshot.ts';
import { aRelease } from './releases.ts';

function hook(name: string, fields: Partial<Hook> = {}): Hook {
  return {
    name,
    kind: 'Job',
    path: 'web/templates/h.yaml',
    manifest: 'kind: Job\n',
    events: ['pre-install'],
    last_run: { phase: '' },
    ...fields,
  };
}

const oddMetadata = {
  name: 'web',
  version: '1.2.3',
  type: 'application',
  description: 'a < b & c > d \u2028 😀',
  keywords: ['k'],
  sources: [],
  maintainers: [{ name: 'm', email: '', url: 'u' }, null],
  annotations: { b: '2', a: '1' },
  deprecated: true,
  dependencies: [
    { name: 'd', repository: '', enabled: true, 'import-values': [{ parent: 'p', child: 'c' }] },
  ],
  notOfHelm: 'dropped',
};

// The first digest stands in Flux's tests; the others were computed with the Go types of Helm 4.3.1.
const vectors: { name: string; release: Release; ociDigest?: string; digest: string }[] = [
  {
    name: 'nothing but a name',
    release: {
      name: 'foo',
      namespace: '',
      version: 0,
      info: {} as Release['info'],
      chart: { metadata: {} } as unknown as Chart,
      manifest: '',
    },
    digest: 'sha256:f1498f27a16a09cd7e1ee610d924df065c03d30035638babc95dd9a8d412ce4d',
  },
  {
    name: 'a usual release',
    release: aRelease(),
    digest: 'sha256:665f13fc1783b7d314ef8f07978a86a525f9ad5dab96d63a546dc6ca49cfc656',
  },
  {
    name: 'a usual release from an OCI artifact',
    release: aRelease(),
    ociDigest: 'sha256:abc',
    digest: 'sha256:cc665095f52b4af2e705ca3fbd5b2dd279015089d1b08ca1584fee5844a0048c',
  },
  {
    name: 'odd metadata',
    release: aRelease({ chart: { metadata: oddMetadata } as unknown as Chart }),
    digest: 'sha256:394382d7d391b68cddad62b524213527dcc4c44c62653086877f0ed20da8a76e',
  },
  {
    name: 'odd values',
    release: aRelease({
      config: {
        z: null,
        a: [1, 1.5, 1e21, 1e-7, 123456789012345680000, -0.5, true, '', {}],
        '\u{1F600}': '<&>',
        '\uFFFF': '\b\f\n\u001f\u007f"\\',
        B: { y: 1, x: [] },
      },
    }),
    digest: 'sha256:fcf66f7566635f012cfc3feb588308ea1a9eb3cad58ae15adf88f161165d74f5',
  },
  {
    name: 'no values',
    release: aRelease({ config: {} }),
    digest: 'sha256:b0ce0dc14760cceb83696924bbc4ee4060f8cacb871c1b6c8c5b5f433baca877',
  },
  {
    name: 'times of other zones and with zeros',
    release: aRelease({
      info: {
        status: 'uninstalled',
        first_deployed: '2026-01-02T03:04:05.120000000+02:00',
        last_deployed: '2026-01-02T03:04:05.000+00:00',
        deleted: '2026-01-02T03:04:05Z',
        rollback_revision: 3,
        notes: 'n\n',
      },
    }),
    digest: 'sha256:56d7bac130e8aeb792c7ad1b52df31fbab22616956fd575abe9702ba9708ad72',
  },
  {
    name: 'hooks, but not those of tests',
    release: aRelease({
      hooks: [
        hook('a', { weight: -5, delete_policies: ['hook-failed'], output_log_policies: [] }),
        hook('t', { events: ['post-install', 'test'] }),
        hook('b', {
          last_run: {
            started_at: '2026-01-02T03:04:05.5Z',
            completed_at: '2026-01-02T03:04:06Z',
            phase: 'Succeeded',
          },
        }),
      ],
    }),
    digest: 'sha256:760553ca23c4e6022056d7818f908daaa43295ad53ce57b2462f61f256b151db',
  },
  {
    name: 'hooks of tests alone',
    release: aRelease({ hooks: [hook('t', { events: ['test'] })] }),
    digest: 'sha256:665f13fc1783b7d314ef8f07978a86a525f9ad5dab96d63a546dc6ca49cfc656',
  },
];

describe('the digest is that of Flux for', () => {
  test.each(vectors)('$name', ({ release, ociDigest, digest }) => {
    expect(digestOf(release, ociDigest), observationOf(release, ociDigest)).toBe(digest);
  });
});

test('the labels, the templates and the results of tests do not count', () => {
  const release = aRelease({ hooks: [hook('t', { events: ['test'] })] });
  const later: Release = {
    ...release,
    labels: { team: 'x' },
    chart: { ...release.chart, templates: [{ name: 't', data: '' }] },
    hooks: [hook('t', { events: ['test'], last_run: { phase: 'Failed' } })],
  };
  expect(digestOf(later)).toBe(digestOf(release));
});

describe('an entry of status.history', () => {
  const details = { configDigest: 'sha256:1', action: 'install', ociDigest: 'sha256:2' };

  test('has what is known of the release, with times to the second', () => {
    const release = aRelease();
    expect(snapshotOf(release, details)).toEqual({
      apiVersion: 'v2',
      digest: digestOf(release, 'sha256:2'),
      name: 'web',
      namespace: 'apps',
      version: 1,
      status: 'deployed',
      action: 'install',
      chartName: 'web',
      chartVersion: '1.2.3',
      appVersion: '7',
      configDigest: 'sha256:1',
      firstDeployed: '2026-01-02T03:04:05Z',
      lastDeployed: '2026-01-02T03:04:05Z',
      ociDigest: 'sha256:2',
    });
  });

  test('leaves out what is not known', () => {
    const chart = { metadata: { name: 'web', version: '1' } };
    const info = { status: 'uninstalled', deleted: '2026-01-02T03:04:05.9+01:00' } as const;
    const snapshot = snapshotOf(aRelease({ chart, info }), { configDigest: 'sha256:1' });
    expect(snapshot).toMatchObject({ status: 'uninstalled', deleted: '2026-01-02T02:04:05Z' });
    expect(Object.keys(snapshot)).not.toContain('appVersion');
    expect(Object.keys(snapshot)).not.toContain('action');
  });

  test.each([
    { name: 'as it was', release: aRelease(), verification: 'same' },
    {
      name: 'rolled back by somebody',
      release: aRelease({ info: { ...aRelease().info, status: 'superseded' } }),
      verification: 'changed',
    },
  ])('tells of a release $name that it is $verification', ({ release, verification }) => {
    expect(verifySnapshot(snapshotOf(aRelease(), details), release)).toBe(verification);
  });

  test('of an older Flux cannot be verified', () => {
    const { apiVersion, ...old } = snapshotOf(aRelease(), details);
    expect(apiVersion).toBe('v2');
    expect(verifySnapshot(old, aRelease())).toBe('unverifiable');
  });

  test('verifies with the algorithm that it was made with, if that is known', () => {
    const snapshot = snapshotOf(aRelease(), { ...details, algorithm: 'sha512' });
    expect(snapshot.digest).toMatch(/^sha512:[0-9a-f]{128}$/);
    expect(verifySnapshot(snapshot, aRelease())).toBe('same');
    expect(verifySnapshot(snapshot, aRelease({ manifest: 'other' }))).toBe('changed');
    const unknown = { ...snapshot, digest: `blake3:${'0'.repeat(64)}` };
    expect(verifySnapshot(unknown, aRelease())).toBe('unverifiable');
  });
});

test('the results of the selected tests are recorded by name', () => {
  const started_at = '2026-01-02T03:04:05.5Z';
  const release = aRelease({
    hooks: [
      hook('pre'),
      hook('a', { events: ['test'], last_run: { started_at, phase: 'Running' } }),
      hook('b', { events: ['test'] }),
      hook('c', { events: ['test'] }),
    ],
  });
  expect(testHooksOf(release, (name) => name !== 'c')).toEqual({
    a: { lastStarted: '2026-01-02T03:04:05Z', phase: 'Running' },
    b: {},
  });
});
