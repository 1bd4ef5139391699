import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Endpoint, PostRequest } from '../../src/provider/adapter.ts';
import { adapterFor } from '../../src/provider/adapters.ts';
import { eventOf } from '../objects.ts';

const endpointOf = (change: Partial<Endpoint>): Endpoint => ({
  type: 'generic',
  address: 'https://hooks.example.org/secret/path',
  channel: '',
  username: '',
  password: '',
  token: '',
  headers: {},
  timeoutMs: 1000,
  ...change,
});

async function sent(endpoint: Endpoint, event = eventOf()): Promise<PostRequest> {
  const requests: PostRequest[] = [];
  await adapterFor(endpoint.type)(event, endpoint, async (request) => void requests.push(request));
  expect(requests).toHaveLength(1);
  return requests[0] as PostRequest;
}

const eventBytes =
  '{"involvedObject":{"kind":"Kustomization","namespace":"apps","name":"web","uid":"7d0cdc51-ddcf-4743-b223-83ca5c699632","apiVersion":"kustomize.toolkit.fluxcd.io/v1"},"severity":"info","timestamp":"2026-01-02T03:04:05Z","message":"a \\u003c b \\u0026 c","reason":"ReconciliationSucceeded","metadata":{"env":"prod","revision":"main@sha1:abc"},"reportingController":"kustomize-controller","reportingInstance":"kustomize-controller-0"}';
const event = eventOf({
  message: 'a < b & c',
  metadata: { revision: 'main@sha1:abc', env: 'prod' },
});

describe('generic', () => {
  test('posts the event in the bytes that Go writes', async () => {
    const request = await sent(endpointOf({}), event);
    expect(request.url).toBe('https://hooks.example.org/secret/path');
    expect(request.body).toBe(eventBytes);
    expect(request.headers).toEqual({ 'gotk-component': 'kustomize-controller' });
  });

  test('adds the headers of the Secret', async () => {
    const headers = { authorization: 'my-token', 'x-signature': 'kept' };
    expect((await sent(endpointOf({ headers }))).headers).toMatchObject(headers);
  });

  test('leaves empty fields out', async () => {
    const { body } = await sent(endpointOf({}), eventOf({ reportingInstance: undefined }));
    expect(body).not.toContain('metadata');
    expect(body).not.toContain('reportingInstance');
    expect(body).not.toContain('resourceVersion');
  });
});

describe('generic-hmac', () => {
  test('signs the body with the token, over any header of the Secret', async () => {
    const endpoint = endpointOf({
      type: 'generic-hmac',
      token: 's3cret',
      headers: { 'x-signature': 'forged' },
    });
    const request = await sent(endpoint, event);
    const signature = createHmac('sha256', 's3cret').update(eventBytes).digest('hex');
    expect(request.body).toBe(eventBytes);
    expect(request.headers?.['x-signature']).toBe(`sha256=${signature}`);
  });

  test('needs a token', async () => {
    await expect(sent(endpointOf({ type: 'generic-hmac' }))).rejects.toThrow("the key 'token'");
  });
});

describe('slack', () => {
  test('posts an attachment with the metadata as fields', async () => {
    const endpoint = endpointOf({ type: 'slack', channel: 'general' });
    const request = await sent(endpoint, { ...event, message: 'first\nsecond' });
    expect(request.body).toBe(
      '{"channel":"general","username":"kustomize-controller","icon_url":"","icon_emoji":"","attachments":[{"fallback":"kustomization/web.apps: first","color":"good","author_name":"kustomization/web.apps","text":"first\\nsecond","mrkdwn_in":["text"],"fields":[{"title":"env","value":"prod","short":false},{"title":"revision","value":"main@sha1:abc","short":false}]}]}',
    );
    expect(request.headers).toEqual({});
  });

  test('shows errors in red, under the given name, with the token of a bot', async () => {
    const endpoint = endpointOf({ type: 'slack', username: 'bot', token: 'xoxb-1' });
    const request = await sent(endpoint, eventOf({ severity: 'error' }));
    expect(JSON.parse(request.body)).toMatchObject({
      username: 'bot',
      attachments: [{ color: 'danger', fields: [] }],
    });
    expect(request.headers).toEqual({ authorization: 'Bearer xoxb-1' });
  });

  test.each([
    { name: 'success', body: '{"ok":true}', error: undefined },
    {
      name: 'a refusal',
      body: '{"ok":false,"error":"channel_not_found"}',
      error: 'channel_not_found',
    },
    { name: 'no JSON', body: 'busy', error: 'JSON' },
  ])('reads from the answer of chat.postMessage: $name', async ({ body, error }) => {
    const address = 'https://slack.com/api/chat.postMessage';
    const { checkAnswer } = await sent(endpointOf({ type: 'slack', address }));
    if (error === undefined) expect(() => checkAnswer?.(body)).not.toThrow();
    else expect(() => checkAnswer?.(body)).toThrow(error);
    expect(checkAnswer).toBeDefined();
  });
});

describe('alertmanager', () => {
  test('posts one alert, with the summary as annotation', async () => {
    const endpoint = endpointOf({ type: 'alertmanager' });
    const request = await sent(endpoint, {
      ...event,
      severity: 'error',
      reason: 'HealthCheckFailed',
      metadata: { summary: 'shop is down', revision: 'r1', name: 'shadowed' },
    });
    expect(request.body).toBe(
      '[{"status":"firing","labels":{"alertname":"FluxKustomizationHealthcheckfailed","kind":"Kustomization","name":"web","namespace":"apps","reason":"HealthCheckFailed","reportingcontroller":"kustomize-controller","revision":"r1","severity":"error"},"annotations":{"message":"a \\u003c b \\u0026 c","summary":"shop is down"},"startsAt":"2026-01-02T03:04:05Z","endsAt":"0001-01-01T00:00:00Z"}]',
    );
  });

  test.each([
    { name: 'a token', endpoint: { token: 't' }, want: { authorization: 'Bearer t' } },
    {
      name: 'user and password',
      endpoint: { username: 'u', password: 'p', token: 't' },
      want: { authorization: 'Basic dTpw' },
    },
    { name: 'a user alone', endpoint: { username: 'u' }, want: {} },
  ])('logs in with $name', async ({ endpoint, want }) => {
    const request = await sent(endpointOf({ type: 'alertmanager', ...endpoint }));
    expect(request.headers).toEqual(want);
  });
});

test('a type without adapter is refused for good, naming those there are', () => {
  expect(() => adapterFor('telegram')).toThrow(
    expect.objectContaining({ permanent: true, message: expect.stringContaining('slack') }),
  );
});
