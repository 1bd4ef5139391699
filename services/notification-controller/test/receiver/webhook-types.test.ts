import { createHmac } from 'node:crypto';
import { receiverTypes } from '@sluice/shared/api';
import { describe, expect, test } from 'vitest';
import { WebhookRefusedError, type WebhookRules } from '../../src/receiver/webhook.ts';
import { type ReceiverType, webhookTypes } from '../../src/receiver/webhook-types.ts';
import { noTokens } from './rules.ts';

const token = 'webhook-canary';
const payload = '{"ref":"refs/heads/main"}';
const hmac = (algorithm: string, body = payload, key = token) =>
  createHmac(algorithm, key).update(body).digest('hex');

interface Case {
  name: string;
  type: ReceiverType;
  headers?: Record<string, string>;
  body?: string;
  events?: string[];
  /** Words of the refusal; without them the webhook is taken. */
  refused?: string;
}

async function judge({ type, headers = {}, body = payload, events = [] }: Case) {
  const judgeWebhook = webhookTypes[type];
  const rules: WebhookRules = {
    ...noTokens,
    token,
    secret: { token },
    events,
    verifyGoogleToken: async () => {},
  };
  return judgeWebhook({ headers, body: Buffer.from(body) }, rules);
}

const json = { 'content-type': 'application/json' };
const signedBitbucket = { ...json, 'x-hub-signature': `sha256=${hmac('sha256')}` };
const gitlab = { 'x-gitlab-token': token, 'x-gitlab-event': 'Push Hook' };
const cdevent = {
  context: {
    version: '0.4.1',
    id: '271069a8-fc18-44f1-b38f-9d70a1695819',
    source: '/event/source/123',
    type: 'dev.cdevents.artifact.published.0.2.0',
    timestamp: '2026-01-02T03:04:05Z',
  },
  subject: { id: 'pkg:oci/app@sha256:abc', type: 'artifact', content: {} },
};
const cdeventWith = (context: object, rest: object = {}) =>
  JSON.stringify({ ...cdevent, context: { ...cdevent.context, ...context }, ...rest });

const deployed = (content: object) =>
  cdeventWith(
    { type: 'dev.cdevents.service.deployed.0.2.0' },
    { subject: { id: 'shop', type: 'service', content } },
  );

const cases: Case[] = [
  { type: 'generic', name: 'anything', body: '' },

  {
    type: 'generic-hmac',
    name: 'SHA-256',
    headers: { 'x-signature': `sha256=${hmac('sha256')}` },
  },
  {
    type: 'generic-hmac',
    name: 'SHA-512 in capitals',
    headers: { 'x-signature': `sha512=${hmac('sha512').toUpperCase()}` },
  },
  { type: 'generic-hmac', name: 'no signature', refused: 'X-Signature is missing' },
  {
    type: 'generic-hmac',
    name: 'the signature of another body',
    headers: { 'x-signature': `sha256=${hmac('sha256', 'other')}` },
    refused: 'signature does not fit',
  },

  { type: 'gitlab', name: 'any event', headers: gitlab },
  { type: 'gitlab', name: 'a wanted event', headers: gitlab, events: ['push hook'] },
  {
    type: 'gitlab',
    name: 'another event',
    headers: gitlab,
    events: ['Tag Push Hook'],
    refused: "'Push Hook' is not in spec.events",
  },
  { type: 'gitlab', name: 'no token', refused: 'X-Gitlab-Token' },
  {
    type: 'gitlab',
    name: 'the beginning of the token',
    headers: { 'x-gitlab-token': token.slice(0, -1) },
    refused: 'X-Gitlab-Token',
  },

  {
    type: 'bitbucket',
    name: 'a wanted event',
    headers: { ...signedBitbucket, 'x-event-key': 'repo:refs_changed' },
    events: ['repo:refs_changed'],
  },
  {
    type: 'bitbucket',
    name: 'another event',
    headers: { ...signedBitbucket, 'x-event-key': 'pr:opened' },
    events: ['repo:refs_changed'],
    refused: "'pr:opened' is not in spec.events",
  },
  {
    type: 'bitbucket',
    name: 'the signature of another key',
    headers: { ...json, 'x-hub-signature': `sha256=${hmac('sha256', payload, 'other')}` },
    refused: 'signature does not fit',
  },
  {
    type: 'bitbucket',
    name: 'plain text',
    headers: { ...signedBitbucket, 'content-type': 'text/plain' },
    refused: 'content type',
  },

  { type: 'harbor', name: 'the token', headers: { authorization: token } },
  {
    type: 'harbor',
    name: 'the token as a bearer',
    headers: { authorization: `Bearer ${token}` },
    refused: 'Authorization does not equal',
  },

  {
    type: 'dockerhub',
    name: 'a push',
    body: '{"push_data":{"tag":"latest"},"repository":{"repo_url":"https://hub.docker.com/r/a/b"}}',
  },
  { type: 'dockerhub', name: 'no JSON', body: 'tag=latest', refused: 'the body is no JSON' },
  { type: 'dockerhub', name: 'a wrong tag', body: '{"push_data":{"tag":1}}', refused: 'tag' },

  {
    type: 'quay',
    name: 'a push',
    body: '{"docker_url":"quay.io/a/b","updated_tags":["latest"]}',
  },
  { type: 'quay', name: 'no JSON', body: '', refused: 'the body is no JSON' },
  { type: 'quay', name: 'wrong tags', body: '{"updated_tags":"latest"}', refused: 'updated_tags' },

  { type: 'acr', name: 'a push', body: '{"action":"push","target":{"repository":"a","tag":"1"}}' },
  { type: 'acr', name: 'a list', body: '[]', refused: 'no JSON object' },
  { type: 'acr', name: 'a wrong target', body: '{"target":"a"}', refused: 'target' },

  {
    type: 'nexus',
    name: 'a signed push',
    headers: { 'x-nexus-webhook-signature': hmac('sha1') },
  },
  { type: 'nexus', name: 'no signature', refused: 'X-Nexus-Webhook-Signature' },
  {
    type: 'nexus',
    name: 'a signature by SHA-256',
    headers: { 'x-nexus-webhook-signature': hmac('sha256') },
    refused: 'X-Nexus-Webhook-Signature',
  },
  {
    type: 'nexus',
    name: 'a signed text',
    body: 'push',
    headers: { 'x-nexus-webhook-signature': hmac('sha1', 'push') },
    refused: 'no JSON',
  },

  { type: 'cdevents', name: 'an event', body: JSON.stringify(cdevent) },
  {
    type: 'cdevents',
    name: 'a wanted event',
    body: JSON.stringify(cdevent),
    headers: { 'ce-type': 'dev.cdevents.artifact.published.0.2.0' },
    events: ['dev.cdevents.artifact.published.0.2.0'],
  },
  {
    type: 'cdevents',
    name: 'a custom type',
    body: cdeventWith({ type: 'dev.cdeventsx.mytool-resource.created.0.1.0' }),
  },
  {
    type: 'cdevents',
    name: 'another event',
    body: JSON.stringify(cdevent),
    headers: { 'ce-type': 'dev.cdevents.artifact.published.0.2.0' },
    events: ['dev.cdevents.artifact.deleted.0.1.0'],
    refused: 'not in spec.events',
  },
  {
    type: 'cdevents',
    name: 'an unknown type',
    body: cdeventWith({ type: 'dev.cdevents.constructor.name.0.1.0' }),
    refused: 'context.type',
  },
  { type: 'cdevents', name: 'no id', body: cdeventWith({ id: '' }), refused: 'context.id' },
  {
    type: 'cdevents',
    name: 'a wrong time',
    body: cdeventWith({ timestamp: 'today' }),
    refused: 'context.timestamp',
  },
  {
    type: 'cdevents',
    name: 'the content of its type',
    body: deployed({ artifactId: 'pkg:oci/app@sha256:abc', environment: { id: 'prod' } }),
  },
  ...[
    { name: 'a content without an environment', change: { artifactId: 'pkg:oci/a' } },
    { name: 'an environment without an id', change: { artifactId: 'pkg:oci/a', environment: {} } },
  ].map(({ name, change }) => ({
    type: 'cdevents' as const,
    name,
    body: deployed(change),
    refused: 'subject.content.environment',
  })),
  {
    type: 'cdevents',
    name: 'an artifact that is no package URL',
    body: deployed({ artifactId: 'app:1', environment: { id: 'prod' } }),
    refused: 'subject.content.artifactId',
  },
  {
    type: 'cdevents',
    name: 'no subject',
    body: cdeventWith({}, { subject: undefined }),
    refused: 'subject',
  },
];

test.each(cases)('a webhook of type $type with $name: $refused', async (given) => {
  if (given.refused === undefined) {
    expect(await judge(given)).toBe('reconcile');
    return;
  }
  const error = await judge(given).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(WebhookRefusedError);
  expect(String(error)).toContain(given.refused);
  expect(String(error)).not.toContain(token);
});

describe('the table of types', () => {
  // Tests of their own: github.test.ts, gcr.test.ts, generic-oidc.test.ts.
  const elsewhere = ['github', 'gcr', 'generic-oidc'];

  test('has every type of the API, each with a case that is taken', () => {
    expect(Object.keys(webhookTypes).sort()).toEqual([...receiverTypes].sort());
    const taken = cases.filter(({ refused }) => refused === undefined).map(({ type }) => type);
    expect([...new Set([...taken, ...elsewhere])].sort()).toEqual(Object.keys(webhookTypes).sort());
  });
});
