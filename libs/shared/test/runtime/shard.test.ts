import { describe, expect, it } from 'vitest';
import { leaseName, shardSelector } from '../../src/runtime/shard.ts';

describe('shardSelector', () => {
  it.each([
    { name: 'everything', options: { watchLabelSelector: '' }, expected: {} },
    {
      name: 'a shard',
      options: { watchLabelSelector: 'sharding.fluxcd.io/key=a' },
      expected: { labelSelector: 'sharding.fluxcd.io/key=a' },
    },
    {
      name: 'a namespace',
      options: { watchLabelSelector: '', watchAllNamespaces: false, namespace: 'ns' },
      expected: { namespace: 'ns' },
    },
  ])('watches $name', ({ options, expected }) => {
    expect(shardSelector(options)).toEqual(expected);
  });

  it('needs the namespace that is to be watched alone', () => {
    const options = { watchLabelSelector: '', watchAllNamespaces: false };
    expect(() => shardSelector(options)).toThrow('RUNTIME_NAMESPACE');
  });
});

describe('leaseName', () => {
  it('is that of Flux, so that both never lead at once', () => {
    expect(leaseName('kustomize-controller')).toBe('kustomize-controller-leader-election');
    // printf '%s' 'sharding.fluxcd.io/key=shard1' | sha256sum
    expect(leaseName('kustomize-controller', 'sharding.fluxcd.io/key=shard1')).toBe(
      'kustomize-controller-leader-election-73fdc1be',
    );
  });
});
