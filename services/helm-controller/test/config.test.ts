import { FlagError } from '@sluice/shared/base';
import { expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';

test("the defaults are Flux's", () => {
  const { flags, gates, namespace } = readConfig([], {});
  expect(flags).toMatchObject({
    concurrent: 4,
    'requeue-dependency': 30_000,
    'graceful-shutdown-timeout': 600_000,
    'http-retry': 9,
    'http-timeout': 30_000,
    'snapshot-digest-algo': 'sha256',
    'oom-watch-memory-threshold': 95,
  });
  expect(gates).toMatchObject({ AllowDNSLookups: false, DefaultToRetryOnFailure: false });
  expect(namespace).toBe('flux-system');
});

test('feature gates of Flux are known', () => {
  const argv = ['--feature-gates=AllowDNSLookups=true,AdoptLegacyReleases=false,OOMWatch=true'];
  expect(readConfig(argv, {}).gates).toMatchObject({ AllowDNSLookups: true, OOMWatch: true });
});

test.each([
  { name: 'an unknown gate', argv: ['--feature-gates=Nope=true'] },
  { name: 'a weak digest', argv: ['--snapshot-digest-algo=md5'] },
  { name: 'one namespace without saying which', argv: ['--watch-all-namespaces=false'] },
])('refuses $name', ({ argv }) => {
  expect(() => readConfig(argv, {})).toThrow(FlagError);
});
