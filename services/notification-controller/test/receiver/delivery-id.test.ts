import type { Receiver } from '@sluice/shared/api';
import { describe, expect, test } from 'vitest';
import { deliveryIdOf } from '../../src/receiver/delivery-id.ts';

type Type = Receiver['spec']['type'];
const idOf = (type: Type, headers: Record<string, string>, body = '{}') =>
  deliveryIdOf(type, { headers, body: Buffer.from(body) });

describe('what identifies a webhook', () => {
  test.each<{ type: Type; header: string }>([
    { type: 'github', header: 'x-github-delivery' },
    { type: 'gitlab', header: 'idempotency-key' },
    { type: 'bitbucket', header: 'x-request-id' },
    { type: 'nexus', header: 'x-nexus-webhook-delivery' },
    { type: 'generic', header: 'webhook-id' },
    { type: 'generic-hmac', header: 'webhook-id' },
    { type: 'generic-oidc', header: 'webhook-id' },
  ])('of type $type is in the header $header', ({ type, header }) => {
    const id = idOf(type, { [header]: 'a' });
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(idOf(type, { [header]: 'a' }, '{"x":1}')).toBe(id);
    expect(idOf(type, { [header]: 'b' })).not.toBe(id);
    expect(idOf(type, { [header]: '' })).toBeUndefined();
    expect(idOf(type, {})).toBeUndefined();
  });

  test('of type cdevents is its source and its identifier together', () => {
    const id = idOf('cdevents', { 'ce-source': 'a', 'ce-id': '1' });
    expect(id).toBeDefined();
    expect(idOf('cdevents', { 'ce-source': 'b', 'ce-id': '1' })).not.toBe(id);
    expect(idOf('cdevents', { 'ce-source': 'a1', 'ce-id': '' })).toBeUndefined();
  });

  test.each<{ type: Type; body: (id: string) => object }>([
    { type: 'acr', body: (id) => ({ id }) },
    { type: 'gcr', body: (messageId) => ({ message: { messageId } }) },
  ])('of type $type is in the body', ({ type, body }) => {
    const id = idOf(type, {}, JSON.stringify(body('a')));
    expect(id).toBeDefined();
    expect(idOf(type, {}, JSON.stringify(body('b')))).not.toBe(id);
    expect(idOf(type, {}, '{"id":{},"message":{"messageId":1}}')).toBeUndefined();
    expect(idOf(type, {})).toBeUndefined();
  });

  test.each<{ type: Type }>([{ type: 'harbor' }, { type: 'quay' }, { type: 'dockerhub' }])(
    'is unknown for type $type',
    ({ type }) => {
      expect(idOf(type, { 'x-github-delivery': 'a', 'webhook-id': 'a' })).toBeUndefined();
    },
  );
});
