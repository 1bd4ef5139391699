import { stableId } from '../../../src/provider/stable-id.ts';
import { eventOf } from '../../objects.ts';
import { badToken, type ProviderCase, rateLimit } from '../contract.ts';

const path = '/sub/api/42/envelope/';
const headers = {
  'content-type': 'application/x-sentry-envelope',
  'x-sentry-auth': 'Sentry sentry_version=7, sentry_client=sluice/1.0, sentry_key=key-canary',
};
const metadata = { revision: 'r1', env: 'prod' };
const failure = { severity: 'error', message: 'down', metadata } as const;
const success = { metadata };
const errorId = stableId(eventOf(failure), 32);
const id = stableId(eventOf(success), 32);
const traceId = stableId(eventOf(success), 32, 'trace');
const spanId = stableId(eventOf(success), 16, 'span');

export const sentryCase: ProviderCase = {
  type: 'sentry',
  spec: () => ({ channel: 'production' }),
  secret: (url) => ({ address: `${url.replace('//', '//key-canary@')}/sub/42` }),
  deliveries: [
    {
      name: 'an event for an error',
      event: failure,
      sent: [
        {
          path,
          headers,
          body: `{"event_id":"${errorId}"}\n{"type":"event"}\n{"event_id":"${errorId}","platform":"other","environment":"production","transaction":"Kustomization: apps/web","message":"down","timestamp":"2026-01-02T03:04:05Z","level":"error","server_name":"kustomize-controller","contexts":{"metadata":{"env":"prod","revision":"r1"}}}\n`,
        },
      ],
    },
    {
      name: 'a transaction for information',
      event: success,
      sent: [
        {
          path,
          headers,
          body: `{"event_id":"${id}"}\n{"type":"transaction"}\n{"event_id":"${id}","platform":"other","environment":"production","transaction":"Kustomization: apps/web","message":"Applied revision: main@sha1:abc","timestamp":"2026-01-02T03:04:05Z","type":"transaction","start_timestamp":"2026-01-02T03:04:05Z","contexts":{"trace":{"trace_id":"${traceId}","span_id":"${spanId}","op":"event"}},"tags":{"env":"prod","flux_involved_object_kind":"Kustomization","flux_involved_object_name":"web","flux_involved_object_namespace":"apps","flux_reason":"ReconciliationSucceeded","flux_reporting_controller":"kustomize-controller","flux_reporting_instance":"kustomize-controller-0","revision":"r1"},"spans":[]}\n`,
        },
      ],
    },
  ],
  failures: [
    badToken,
    rateLimit,
    { name: 'an unknown project', reply: { status: 403 }, permanent: false },
    { name: 'an envelope that is refused', reply: { status: 400 }, permanent: true },
  ],
  refused: [
    {
      name: 'an address that is no DSN',
      change: { secret: { address: 'https://sentry.example.org/42' } },
      says: 'is no DSN',
    },
  ],
};
