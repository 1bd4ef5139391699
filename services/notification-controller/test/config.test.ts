import { describe, expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';

describe('flags', () => {
  test("have Flux's names and defaults", () => {
    expect(readConfig([], {})).toMatchObject({
      'events-addr': ':9090',
      receiverAddr: ':9292',
      'rate-limit-interval': 300_000,
      'export-http-path-metrics': false,
      'no-cross-namespace-refs': false,
      runtimeNamespace: 'flux-system',
    });
  });

  test('are refused when they contradict each other', () => {
    const argv = ['--delivery-min-retry-delay=10m', '--delivery-max-retry-delay=1m'];
    expect(() => readConfig(argv, {})).toThrow('--delivery-min-retry-delay');
  });
});
