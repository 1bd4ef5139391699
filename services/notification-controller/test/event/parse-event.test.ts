import { describe, expect, test } from 'vitest';
import { InvalidEventError } from '../../src/event/event-fields.ts';
import { parseEvent } from '../../src/event/parse-event.ts';
import { eventOf } from '../objects.ts';

const valid = eventOf({ metadata: { a: 'b' } });

describe('a posted event', () => {
  test('is read as it is', () => {
    expect(parseEvent(JSON.stringify(valid))).toEqual(valid);
  });

  test('loses what no event has', () => {
    const { involvedObject } = valid;
    const more = { ...valid, extra: 1, involvedObject: { ...involvedObject, fieldPath: 'x' } };
    expect(parseEvent(JSON.stringify(more))).toEqual(valid);
    const empty = { ...valid, involvedObject: { kind: 'Node', name: 'n', namespace: '' } };
    expect(parseEvent(JSON.stringify(empty)).involvedObject).toEqual({ kind: 'Node', name: 'n' });
  });

  test.each([
    { name: 'no JSON', text: '{', field: 'JSON' },
    { name: 'a list', text: '[]', field: 'the event' },
    { name: 'null', text: 'null', field: 'the event' },
    {
      name: 'no object',
      text: JSON.stringify({ ...valid, involvedObject: undefined }),
      field: 'involvedObject',
    },
    {
      name: 'no kind',
      text: JSON.stringify({ ...valid, involvedObject: { name: 'x' } }),
      field: 'involvedObject.kind',
    },
    {
      name: 'a namespace that is a number',
      text: JSON.stringify({ ...valid, involvedObject: { kind: 'K', name: 'x', namespace: 1 } }),
      field: 'involvedObject.namespace',
    },
    {
      name: 'an unknown severity',
      text: JSON.stringify({ ...valid, severity: 'fatal' }),
      field: 'severity',
    },
    { name: 'no time', text: JSON.stringify({ ...valid, timestamp: 'soon' }), field: 'timestamp' },
    {
      name: 'a message that is a number',
      text: JSON.stringify({ ...valid, message: 1 }),
      field: 'message',
    },
    {
      name: 'metadata with a number',
      text: JSON.stringify({ ...valid, metadata: { a: 1 } }),
      field: 'metadata.a',
    },
    {
      name: 'metadata as a list',
      text: JSON.stringify({ ...valid, metadata: [] }),
      field: 'metadata',
    },
    ...['a b', 'A', '*', '>', '../x', 'a..b', '-a', 'a\n', 'x'.repeat(254)].map((name) => ({
      name: `the name ${JSON.stringify(name.slice(0, 5))}`,
      text: JSON.stringify({ ...valid, involvedObject: { kind: 'K', name } }),
      field: 'involvedObject.name must be',
    })),
    ...['a.b', 'a b', '*', '>', '_', 'x'.repeat(64)].map((namespace) => ({
      name: `the namespace ${JSON.stringify(namespace.slice(0, 5))}`,
      text: JSON.stringify({ ...valid, involvedObject: { kind: 'K', name: 'x', namespace } }),
      field: 'involvedObject.namespace must be',
    })),
    ...['a b', '*', '>', 'a.b', 'K/x', '1', 'x'.repeat(64)].map((kind) => ({
      name: `the kind ${JSON.stringify(kind.slice(0, 5))}`,
      text: JSON.stringify({ ...valid, involvedObject: { kind, name: 'x' } }),
      field: 'involvedObject.kind must be',
    })),
    ...['a/b/c', 'x y/v1', '/v1', 'v1/'].map((apiVersion) => ({
      name: `the apiVersion ${apiVersion}`,
      text: JSON.stringify({ ...valid, involvedObject: { kind: 'K', name: 'x', apiVersion } }),
      field: 'involvedObject.apiVersion must be',
    })),
    {
      name: 'a message that is too long',
      text: JSON.stringify({ ...valid, message: 'x'.repeat(64 * 1024 + 1) }),
      field: 'message has 65537 characters',
    },
    {
      name: 'a reason that is too long',
      text: JSON.stringify({ ...valid, reason: 'x'.repeat(1025) }),
      field: 'reason has',
    },
    {
      name: 'too many metadata',
      text: JSON.stringify({
        ...valid,
        metadata: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`k${i}`, ''])),
      }),
      field: 'metadata has 257 entries',
    },
    {
      name: 'a key of metadata that is too long',
      text: JSON.stringify({ ...valid, metadata: { ['k'.repeat(318)]: '' } }),
      field: 'metadata has a key',
    },
    {
      name: 'metadata that are too long',
      text: JSON.stringify({ ...valid, metadata: { a: 'x'.repeat(256 * 1024) } }),
      field: 'metadata has 262145 characters',
    },
  ])('with $name is refused, naming $field', ({ text, field }) => {
    expect(() => parseEvent(text)).toThrow(InvalidEventError);
    expect(() => parseEvent(text)).toThrow(field);
  });
});
