import { describe, expect, test } from 'vitest';
import { checkRecord } from '../../src/audit/check-record.ts';
import { recordOf } from './records.ts';

const subject = 'sluice.audit.apps.Kustomization.web';
const check = (data: unknown, of = subject) => checkRecord(data, { subject: of, prefix: 'sluice' });
const object = { kind: 'Kustomization', namespace: 'apps', name: 'web', uid: '1' };

describe('an audit record', () => {
  test.each([
    { name: 'as it is made', record: recordOf() },
    {
      name: 'with all that it may say',
      record: recordOf({
        phase: 'ended',
        result: 'failed',
        who: { controller: 'helm-controller', users: ['jane', 'joe'] },
        what: { before: 'sha256:1', plan: 'sha256:2', count: 3, omitted: 2, objects: [] },
        why: { mode: 'Approve', approvals: ['a1'], window: 'freeze', text: 'CHG-7' },
        traceparent: '00-1-2-01',
      }),
    },
    { name: 'with an action of a later version', record: { ...recordOf(), action: 'promote' } },
    { name: 'with fields of a later version', record: { ...recordOf(), risk: { score: 7 } } },
  ])('is taken $name, with every field', ({ record }) => {
    expect(check(record)).toEqual(record);
  });

  test.each([
    { name: 'no object', record: [], says: 'the record must be an object' },
    { name: 'null', record: null, says: 'the record must be an object' },
    { name: 'no id', record: { ...recordOf(), id: undefined }, says: 'id must be' },
    { name: 'an id with a line break', record: recordOf({ id: 'a\r\nx: y' }), says: 'id must be' },
    { name: 'an id without end', record: recordOf({ id: 'a'.repeat(257) }), says: 'id must be' },
    { name: 'no time', record: recordOf({ time: 'now' }), says: 'time must be' },
    { name: 'no action', record: { ...recordOf(), action: 7 }, says: 'action must be' },
    { name: 'no phase', record: { ...recordOf(), phase: {} }, says: 'phase must be' },
    { name: 'no subject', record: { ...recordOf(), object: 'web' }, says: 'object must be' },
    {
      name: 'a wildcard for a name',
      record: recordOf({ object: { ...object, name: '*' } }),
      says: 'object.name must be',
    },
    {
      name: 'the namespace of another than its subject',
      record: recordOf({ object: { ...object, namespace: 'others' } }),
      says: 'not the one that the subject names',
    },
    { name: 'nobody', record: { ...recordOf(), who: undefined }, says: 'who must be' },
    {
      name: 'a controller with a line break',
      record: recordOf({ who: { controller: 'a\nb' } }),
      says: 'who.controller must be',
    },
    {
      name: 'users that are no list',
      record: { ...recordOf(), who: { controller: 'a', users: 'jane' } },
      says: 'who.users must be a list',
    },
    {
      name: 'a digest that is none',
      record: { ...recordOf(), what: { plan: {} } },
      says: 'what.plan',
    },
    {
      name: 'a count that is none',
      record: { ...recordOf(), what: { count: '1' } },
      says: 'what.count',
    },
    { name: 'a text that is none', record: { ...recordOf(), why: { text: [] } }, says: 'why.text' },
    {
      name: 'more than a record may have',
      record: recordOf({ what: { objects: Array(1_000).fill({ kind: 'x'.repeat(100) }) } }),
      says: 'at most 65536',
    },
  ])('is refused with $name', ({ record, says }) => {
    expect(() => check(record)).toThrow(says);
  });
});
