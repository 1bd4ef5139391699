import { FlagError, parseFlags } from '@sluice/shared/base';
import { describe, expect, it } from 'vitest';
import {
  commonFlags,
  leaderElectionSettings,
  parseFeatureGates,
} from '../../src/runtime/common-flags.ts';

describe('common flags', () => {
  it('have the defaults of Flux', () => {
    expect(parseFlags(commonFlags, [], {})).toMatchObject({
      'metrics-addr': ':8080',
      'health-addr': ':9440',
      'events-addr': '',
      concurrent: 4,
      'watch-all-namespaces': true,
      'watch-label-selector': '',
      'log-level': 'info',
      'kube-api-qps': 50,
      'kube-api-burst': 300,
      'enable-leader-election': false,
      'leader-election-lease-duration': 35_000,
      'leader-election-renew-deadline': 30_000,
      'leader-election-retry-period': 5_000,
      'min-retry-delay': 750,
      'max-retry-delay': 900_000,
      'interval-jitter-percentage': 5,
      'nats-prefix': 'sluice',
    });
  });

  it('take what the Terraform provider and flux install pass', () => {
    const argv = ['--watch-all-namespaces=', '--log-level=debug', '--events-addr=http://nc./'];
    expect(() => parseFlags(commonFlags, argv.slice(1), {})).not.toThrow();
  });
});

describe('parseFeatureGates', () => {
  const known = { A: false, B: true };

  it('changes the defaults', () => {
    expect(parseFeatureGates(['A=true'], known)).toEqual({ A: true, B: true });
  });

  it.each([
    { value: 'C=true', message: "there is no gate 'C'; there are: A, B" },
    { value: 'A', message: 'must be A=true or A=false' },
    { value: 'A=yes', message: 'must be A=true or A=false' },
  ])('refuses $value', ({ value, message }) => {
    expect(() => parseFeatureGates([value], known)).toThrow(message);
    expect(() => parseFeatureGates([value], known)).toThrow(FlagError);
  });
});

describe('leaderElectionSettings', () => {
  const values = (argv: string[]) =>
    leaderElectionSettings(parseFlags(commonFlags, ['--enable-leader-election', ...argv], {}));

  it('are none without the election', () => {
    expect(leaderElectionSettings(parseFlags(commonFlags, [], {}))).toBeUndefined();
  });

  it('are in milliseconds', () => {
    expect(values([])).toEqual({
      leaseDurationMs: 35_000,
      renewDeadlineMs: 30_000,
      retryPeriodMs: 5_000,
      releaseOnCancel: true,
    });
  });

  it.each([
    { name: 'deadline past the lease', argv: ['--leader-election-renew-deadline=35s'] },
    { name: 'retries past the deadline', argv: ['--leader-election-retry-period=25s'] },
  ])('refuse a $name', ({ argv }) => {
    expect(() => values(argv)).toThrow('--leader-election-renew-deadline');
  });
});
