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
    { argv: ['--artifact-authentication=token'], message: /needs --artifact-readers/ },
    { argv: ['--artifact-readers=a:b'], message: /--artifact-readers has no effect without/ },
    {
      argv: ['--artifact-authentication=token', '--artifact-readers=a'],
      message: /--artifact-readers: 'a' names no service account/,
    },
    {
      argv: ['--artifact-authentication=token', '--artifact-readers=a:b', '--artifact-audience='],
      message: /--artifact-audience must not be empty/,
    },
    { argv: ['--artifact-retention-records=0'], message: /--artifact-retention-records/ },
    { argv: ['--concurrent=0'], message: /--concurrent/ },
    { argv: ['--no-such-flag'], message: /--no-such-flag/ },
    { argv: ['--feature-gates=Nope=true'], message: /there is no gate 'Nope'/ },
    { argv: ['--default-service-account=x'], message: /ObjectLevelWorkloadIdentity=true/ },
  ])('refuses $argv', ({ argv, message }) => {
    expect(() => readConfig(argv, {})).toThrow(message);
  });

  it('lets the accounts download that are named, or anybody', () => {
    const argv = ['--artifact-authentication=token', '--artifact-readers=flux-system:a,ops:b'];
    expect(readConfig(argv, {}).readers).toEqual(
      new Set(['system:serviceaccount:flux-system:a', 'system:serviceaccount:ops:b']),
    );
    expect(readConfig([], {}).readers).toBeUndefined();
  });

  it.each([
    { addr: ':9090', env: { POD_IP: '10.0.0.1' }, expected: '10.0.0.1' },
    { addr: '0.0.0.0:9090', env: { POD_IP: 'fd00::1' }, expected: '[fd00::1]' },
    { addr: '127.0.0.1:9090', env: { POD_IP: '10.0.0.1' }, expected: '127.0.0.1' },
    { addr: ':9090', env: {}, expected: undefined },
  ])('is reached by other replicas at $expected with $addr and $env', ({ addr, env, expected }) => {
    expect(readConfig([`--storage-addr=${addr}`], env).podAddress).toBe(expected);
  });

  it.each(['sha256', 'sha384', 'sha512', 'blake3'])('takes the algorithm %s', (algorithm) => {
    const config = readConfig([`--artifact-digest-algo=${algorithm}`], {});
    expect(config['artifact-digest-algo']).toBe(algorithm);
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
