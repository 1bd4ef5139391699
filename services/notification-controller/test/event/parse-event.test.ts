import { describe, expect, test } from 'vitest';
import { InvalidEventError, parseEvent } from '../../src/event/parse-event.ts';
import { eventOf } from '../objects.ts';

const valid = eventOf({ metadata: { a: 'b' } });

describe('a posted event', () => {
  test('is read as it is', () => {
    expect(parseEvent(JSON.stringify(valid))).toEqual(valid);
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
  ])('with $name is refused, naming $field', ({ text, field }) => {
    expect(() => parseEvent(text)).toThrow(InvalidEventError);
    expect(() => parseEvent(text)).toThrow(field);
  });
});
