import { describe, expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';

describe('readConfig', () => {
  test('has the defaults of Flux', () => {
    const { flags, gates, namespace } = readConfig([], { PATH: '/bin' });
    expect(flags).toMatchObject({
      'concurrent-ssa': 4,
      'requeue-dependency': 30_000,
      'no-remote-bases': false,
      'http-retry': 9,
      'override-manager': [],
      'insecure-kubeconfig-exec': false,
      'insecure-kubeconfig-tls': false,
    });
    expect(gates).toMatchObject({
      StrictPostBuildSubstitutions: true,
      AdditiveCELDependencyCheck: false,
    });
    expect(namespace).toBe('flux-system');
  });

  test.each([
    { argv: ['--concurrent-ssa=0'], message: /--concurrent-ssa must be at least 1/ },
    { argv: ['--feature-gates=Nope=true'], message: /there is no gate 'Nope'/ },
    { argv: ['--watch-all-namespaces=false'], message: /needs RUNTIME_NAMESPACE/ },
    { argv: ['--nope'], message: /unknown flag --nope/ },
  ])('refuses $argv', ({ argv, message }) => {
    expect(() => readConfig(argv, {})).toThrow(message);
  });
});
