import { describe, expect, test } from 'vitest';
import { readDecision } from '../../src/receiver/read-decision.ts';
import { WebhookRefusedError } from '../../src/receiver/webhook.ts';

const said = {
  kind: 'Kustomization',
  name: 'web',
  planDigest: `sha256:${'a'.repeat(64)}`,
  decision: 'Approve',
  user: 'jane',
};
const readText = (text: string) => readDecision({ headers: {}, body: Buffer.from(text) }, 'own');
const read = (value: unknown) => readText(JSON.stringify(value));

describe('a decision', () => {
  test('is read, with the namespace of the Receiver unless it names one', () => {
    expect(read(said)).toEqual({ ...said, namespace: 'own', body: said });
    expect(read({ ...said, namespace: 'other' }).namespace).toBe('other');
  });

  test('has its texts on one line, without what cannot be shown, and cut', () => {
    const body = { ...said, user: ' ja\u0000ne\u202e ', reason: 'CHG-1\n\u001b[31mred' };
    expect(read(body)).toMatchObject({ user: 'jane', reason: 'CHG-1 red' });
    expect(read({ ...said, user: 'x'.repeat(5000) }).user).toHaveLength(200);
    expect(read({ ...said, reason: 'x'.repeat(5000) }).reason).toHaveLength(500);
  });
});

describe('a body is refused', () => {
  test.each<{ name: string; body: unknown; says: RegExp }>([
    { name: 'that is no object', body: [said], says: /the body is no JSON object/ },
    { name: 'that is null', body: null, says: /the body is no JSON object/ },
    { name: 'with an unknown field', body: { ...said, force: true }, says: /'force' is not known/ },
    { name: 'with another kind', body: { ...said, kind: 'Secret' }, says: /kind is none of/ },
    { name: 'without a kind', body: { ...said, kind: undefined }, says: /kind is none of/ },
    { name: 'with kinds', body: { ...said, kind: ['HelmRelease'] }, says: /kind is none of/ },
    { name: 'with a path as name', body: { ...said, name: '../x' }, says: /name is missing or/ },
    { name: 'with a wildcard', body: { ...said, name: '*' }, says: /name is missing or/ },
    { name: 'with a long name', body: { ...said, name: 'a'.repeat(254) }, says: /name is missing/ },
    {
      name: 'with a path as namespace',
      body: { ...said, namespace: 'a/b' },
      says: /namespace is missing or/,
    },
    { name: 'with a null as namespace', body: { ...said, namespace: null }, says: /namespace is/ },
    {
      name: 'with a part of a digest',
      body: { ...said, planDigest: 'sha256:aa' },
      says: /planDig/,
    },
    { name: 'without a digest', body: { ...said, planDigest: undefined }, says: /planDigest/ },
    { name: 'with digests', body: { ...said, planDigest: [said.planDigest] }, says: /planDigest/ },
    { name: 'with other words', body: { ...said, decision: 'yes' }, says: /decision is none/ },
    {
      name: 'without a decision',
      body: { ...said, decision: undefined },
      says: /decision is none/,
    },
    { name: 'without a user', body: { ...said, user: undefined }, says: /user is missing/ },
    { name: 'with an empty user', body: { ...said, user: ' \u200e' }, says: /user is missing/ },
    { name: 'with an object as user', body: { ...said, user: {} }, says: /user is missing/ },
    { name: 'with a number as reason', body: { ...said, reason: 7 }, says: /reason is missing/ },
    { name: 'of many bytes', body: { ...said, reason: 'x'.repeat(17_000) }, says: /than 16384/ },
  ])('$name', ({ body, says }) => {
    expect(() => read(body)).toThrow(WebhookRefusedError);
    expect(() => read(body)).toThrow(says);
  });

  test('with a field that is the prototype', () => {
    const text = JSON.stringify(said).replace('{', '{"__proto__":{"reason":"x"},');
    expect(() => readText(text)).toThrow(/'__proto__' is not known/);
  });

  test('that is no JSON, without being quoted', () => {
    expect(() => readText('{"user": hunter2')).toThrow(/^the body is no JSON$/);
  });
});
