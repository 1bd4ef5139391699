import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { githubWebhook } from '../../src/receiver/github.ts';
import type { WebhookRules } from '../../src/receiver/webhook.ts';
import { webhookPath } from '../../src/receiver/webhook-path.ts';
import { noTokens } from './rules.ts';

const token = 'webhook-secret';
const body = Buffer.from('{"ref":"refs/heads/main"}');
const sign = (algorithm: string, key = token) =>
  `${algorithm}=${createHmac(algorithm, key).update(body).digest('hex')}`;

function judge(headers: Record<string, string>, events: string[] = []) {
  const rules: WebhookRules = {
    ...noTokens,
    token,
    secret: {},
    events,
  };
  return githubWebhook(
    { headers: { 'content-type': 'application/json', 'x-github-event': 'push', ...headers }, body },
    rules,
  );
}

describe('a GitHub webhook', () => {
  test.each(['sha1', 'sha256', 'sha512'])('with its %s signature is genuine', (algorithm) => {
    const header = algorithm === 'sha1' ? 'x-hub-signature' : 'x-hub-signature-256';
    expect(judge({ [header]: sign(algorithm) })).toBe('reconcile');
  });

  test('is judged by the stronger signature when it has two', () => {
    const headers = {
      'x-hub-signature': sign('sha1'),
      'x-hub-signature-256': sign('sha256', 'other'),
    };
    expect(() => judge(headers)).toThrow('signature');
  });

  test.each([
    { name: 'no signature', signature: undefined },
    { name: 'the signature of another key', signature: sign('sha256', 'other') },
    { name: 'an unknown algorithm', signature: sign('md5') },
    { name: 'a short signature', signature: 'sha256=00' },
    { name: 'no hexadecimal signature', signature: 'sha256=zz' },
    { name: 'an empty signature', signature: '' },
  ])('with $name is refused', ({ signature }) => {
    const headers = signature === undefined ? {} : { 'x-hub-signature-256': signature };
    expect(() => judge(headers as Record<string, string>)).toThrow(/signature/i);
  });

  test.each([
    { event: 'push', events: ['ping', 'Push'], want: 'reconcile' },
    { event: 'ping', events: ['ping', 'push'], want: 'reconcile' },
    { event: 'ping', events: ['push'], want: 'ignore' },
    { event: 'ping', events: [], want: 'reconcile' },
  ])('$event with events $events: $want', ({ event, events, want }) => {
    const headers = { 'x-hub-signature-256': sign('sha256'), 'x-github-event': event };
    expect(judge(headers, events)).toBe(want);
  });

  test('of an event that is not wanted is refused', () => {
    const headers = { 'x-hub-signature-256': sign('sha256'), 'x-github-event': 'issues' };
    expect(() => judge(headers, ['push'])).toThrow("'issues' is not in spec.events");
  });

  test('that is neither JSON nor a form is refused', () => {
    const headers = { 'x-hub-signature-256': sign('sha256'), 'content-type': 'text/plain' };
    expect(() => judge(headers)).toThrow('content type');
  });
});

test('the path is the SHA-256 of token, name and namespace', () => {
  // printf 'tokennamenamespace' | sha256sum
  expect(webhookPath('token', 'name', 'namespace')).toBe(
    '/hook/033cd85fb94eef8b750b62b37d50fa65adb47b1f0ab5d6a8f9f6692e516e686a',
  );
});
