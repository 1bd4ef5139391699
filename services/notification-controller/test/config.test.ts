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

  test('let anybody send events unless told, and name the users that may', () => {
    expect(readConfig([], {}).eventSenders).toBeUndefined();
    const senders = '--event-senders=flux-system:helm-controller,flux-system:kustomize-controller';
    const argv = ['--event-authentication=token', senders, '--event-senders=ops:a.b'];
    expect(readConfig(argv, {}).eventSenders).toEqual(
      new Set([
        'system:serviceaccount:flux-system:helm-controller',
        'system:serviceaccount:flux-system:kustomize-controller',
        'system:serviceaccount:ops:a.b',
      ]),
    );
  });

  const token = '--event-authentication=token';
  test.each([
    { argv: ['--event-authentication=basic'], wanted: '--event-authentication must be one of' },
    { argv: [token], wanted: '--event-authentication=token needs --event-senders' },
    { argv: ['--event-senders=a:b'], wanted: '--event-senders has no effect without' },
    { argv: [token, '--event-senders=a:b', '--event-audience='], wanted: '--event-audience' },
    ...['a', 'a:', ':b', 'a:b:c', 'A:b', 'a.b:c', 'a/b', 'a:*', '*:b', 'a: b'].map((sender) => ({
      argv: [token, `--event-senders=${sender}`],
      wanted: `--event-senders: '${sender}' names no service account`,
    })),
    { argv: ['--gcr-keys-url=file:///x'], wanted: '--gcr-keys-url must be' },
    { argv: ['--gcr-keys-url=certs'], wanted: '--gcr-keys-url must be' },
    { argv: ['--nats-artifacts-max-size=1'], wanted: '--nats-artifacts-max-size' },
    { argv: ['--events-token-file=/x'], wanted: 'unknown flag --events-token-file' },
  ])('refuse $argv', ({ argv, wanted }) => {
    expect(() => readConfig(argv, {})).toThrow(wanted);
  });
});
