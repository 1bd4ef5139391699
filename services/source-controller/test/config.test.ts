import { describe, expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';

describe('readConfig', () => {
  it.each<{
    name: string;
    argv: string[];
    env: Record<string, string>;
    expected: string;
  }>([
    { name: 'the flag', argv: ['--storage-adv-addr=host:1'], env: {}, expected: 'host:1' },
    {
      name: 'the Service in the namespace of the pod',
      argv: [],
      env: { RUNTIME_NAMESPACE: 'flux-system' },
      expected: 'source-controller.flux-system.svc.cluster.local.',
    },
    {
      name: 'the listen address outside of a cluster',
      argv: ['--storage-addr=127.0.0.1:9090'],
      env: {},
      expected: '127.0.0.1:9090',
    },
    {
      name: 'the environment',
      argv: [],
      env: { STORAGE_ADV_ADDR: 'env:2' },
      expected: 'env:2',
    },
  ])('advertises $name', ({ argv, env, expected }) => {
    expect(readConfig(argv, env).advertisedAddress).toBe(expected);
  });

  it('keeps its Lease in the namespace of the pod, or in flux-system', () => {
    expect(readConfig([], { RUNTIME_NAMESPACE: 'x' }).leaseNamespace).toBe('x');
    expect(readConfig([], {}).leaseNamespace).toBe('flux-system');
  });

  it.each([
    { argv: ['--storage-addr=nonsense'], message: /--storage-addr.*nonsense/ },
    { argv: ['--storage-addr=0'], message: /--storage-addr/ },
    { argv: ['--storage-addr=:0'], message: /--storage-adv-addr/ },
    { argv: ['--artifact-digest-algo=md5'], message: /--artifact-digest-algo/ },
    { argv: ['--artifact-retention-records=0'], message: /--artifact-retention-records/ },
    { argv: ['--concurrent=0'], message: /--concurrent/ },
    { argv: ['--no-such-flag'], message: /--no-such-flag/ },
    { argv: ['--feature-gates=Nope=true'], message: /there is no gate 'Nope'/ },
    { argv: ['--default-service-account=x'], message: /ObjectLevelWorkloadIdentity=true/ },
  ])('refuses $argv', ({ argv, message }) => {
    expect(() => readConfig(argv, {})).toThrow(message);
  });

  it('has the defaults of Flux', () => {
    expect(readConfig([], { RUNTIME_NAMESPACE: 'x' })).toMatchObject({
      concurrent: 2,
      'storage-path': '/data',
      storage: { port: 9090 },
      'artifact-retention-ttl': 60_000,
      'artifact-retention-records': 2,
      'artifact-digest-algo': 'sha256',
    });
  });
});
