import { describe, expect, test } from 'vitest';
import { type Config, readConfig } from '../src/config.ts';

describe('flags', () => {
  test("have Flux's names and defaults", () => {
    const config = readConfig([], {}) as Config;
    expect(config).toMatchObject({
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

  test('are listed by --help', () => {
    const config = readConfig(['--help'], {});
    expect('help' in config && config.help).toContain('--receiverAddr');
  });
});
