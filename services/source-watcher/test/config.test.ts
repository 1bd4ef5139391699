import { describe, expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';

describe('readConfig', () => {
  it('has the defaults of Flux', () => {
    expect(readConfig([], { RUNTIME_NAMESPACE: 'x' })).toMatchObject({
      concurrent: 10,
      'storage-path': '/data',
      storage: { port: 9090 },
      'http-retry': 9,
      'requeue-dependency': 5000,
      'artifact-retention-ttl': 60_000,
      'artifact-retention-records': 2,
      'artifact-digest-algo': 'sha256',
      'no-cross-namespace-refs': false,
    });
  });

  it('advertises the Service in the namespace of the pod', () => {
    const { advertisedAddress } = readConfig([], { RUNTIME_NAMESPACE: 'flux-system' });
    expect(advertisedAddress).toBe('source-watcher.flux-system.svc.cluster.local.');
  });

  it('takes the flags and the gate of Flux, and no other gate', () => {
    const argv = ['--feature-gates=DirectSourceFetch=true', '--reconciliation-timeout=5m'];
    expect(() => readConfig(argv, {})).not.toThrow();
    expect(() => readConfig(['--feature-gates=Other=true'], {})).toThrow('DirectSourceFetch');
  });
});
