import { expect, test } from 'vitest';
import type { Endpoint, ProviderRequest } from '../../src/provider/adapter.ts';
import { adapterFor } from '../../src/provider/adapters.ts';
import { noIdentity } from '../no-identity.ts';
import { eventOf } from '../objects.ts';
import { alert } from './contract.ts';

test.each([
  { name: 'success', body: '{"ok":true}', error: undefined },
  {
    name: 'a refusal',
    body: '{"ok":false,"error":"channel_not_found"}',
    error: 'channel_not_found',
  },
  { name: 'no JSON', body: 'busy', error: 'JSON' },
])('slack reads from the answer of chat.postMessage: $name', async ({ body, error }) => {
  const endpoint: Endpoint = {
    type: 'slack',
    address: 'https://slack.com/api/chat.postMessage',
    channel: 'c',
    username: '',
    password: '',
    token: 't',
    headers: {},
    secret: {},
    uid: 'u',
    timeoutMs: 1000,
  };
  const requests: ProviderRequest[] = [];
  const send = async (request: ProviderRequest) => {
    requests.push(request);
    return { status: 200, body };
  };
  await adapterFor('slack')(eventOf(), endpoint, send, {
    alert,
    facts: {},
    commitStatusId: '',
    connect: () => Promise.reject(new Error('no')),
    identity: noIdentity,
  });
  const check = requests[0]?.checkAnswer;
  expect(check).toBeDefined();
  if (error === undefined) expect(() => check?.(body)).not.toThrow();
  else expect(() => check?.(body)).toThrow(error);
});
