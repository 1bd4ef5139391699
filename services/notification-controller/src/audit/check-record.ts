import { type AuditRecord, isKindName, isNamespaceName, isObjectName } from '@sluice/shared/api';
import { auditSubject } from '@sluice/shared/bus';
import { checkText, InvalidEventError, record, text } from '../event/event-fields.ts';

/** Bytes of a record; our controllers keep to 16 KiB and what people have said. */
const maxBytes = 64 * 1024;
/** Characters of one field. */
const maxText = 8 * 1024;
const maxUid = 128;
/** It goes into headers. */
const id = /^[\w.:-]{1,256}$/;
const word = /^[a-z][a-z-]{0,63}$/;

/**
 * Checks that a message of the audit trail is a record about the object that its subject names. Actions, phases and fields
 * of a later version are left as they are.
 *
 * @throws InvalidEventError that names the field and what it should be
 */
export function checkRecord(data: unknown, o: { subject: string; prefix: string }): AuditRecord {
  const given = record(data, 'the record');
  const bytes = Buffer.byteLength(JSON.stringify(given));
  if (bytes > maxBytes)
    throw new InvalidEventError(`it has ${bytes} bytes: at most ${maxBytes} are allowed`);
  const form = (field: string, is: RegExp, what: string) =>
    checkText(given[field], { field, is: (value) => is.test(value), form: what });
  form('id', id, "letters, digits, '.', ':', '-' and '_', at most 256");
  form('action', word, 'a word in small letters');
  form('phase', word, 'a word in small letters');
  checkText(given['time'], {
    field: 'time',
    is: (value) => value.length <= 64 && !Number.isNaN(Date.parse(value)),
    form: 'an RFC 3339 time',
  });
  checkTexts(given, '', ['result', 'revision', 'traceparent']);
  checkObject(record(given['object'], 'object'), o);
  const who = record(given['who'], 'who');
  checkText(who['controller'], {
    field: 'who.controller',
    is: isObjectName,
    form: 'the name of a controller',
  });
  checkTexts(who, 'who.', ['author']);
  checkList(who['users'], 'who.users');
  const { what, why } = given;
  if (what !== undefined) checkChange(record(what, 'what'));
  if (why !== undefined) checkReason(record(why, 'why'));
  return given as unknown as AuditRecord;
}

function checkObject(
  object: Record<string, unknown>,
  { subject, prefix }: { subject: string; prefix: string },
): void {
  const named = {
    kind: checkText(object['kind'], { field: 'object.kind', is: isKindName, form: 'a kind' }),
    namespace: checkText(object['namespace'], {
      field: 'object.namespace',
      is: isNamespaceName,
      form: 'a DNS label',
    }),
    name: checkText(object['name'], {
      field: 'object.name',
      is: isObjectName,
      form: 'a DNS subdomain',
    }),
  };
  text(object['uid'], 'object.uid', maxUid);
  // Who may hear of a record goes by the object, and who may write it could one day go by the subject.
  if (auditSubject(prefix, named) !== subject)
    throw new InvalidEventError('object is not the one that the subject names');
}

function checkChange(what: Record<string, unknown>): void {
  checkTexts(what, 'what.', ['before', 'after', 'plan']);
  if (what['count'] !== undefined && typeof what['count'] !== 'number')
    throw new InvalidEventError('what.count must be a number');
}

function checkReason(why: Record<string, unknown>): void {
  checkTexts(why, 'why.', ['mode', 'window', 'text']);
  checkList(why['approvals'], 'why.approvals');
}

function checkTexts(part: Record<string, unknown>, prefix: string, fields: string[]): void {
  for (const field of fields) text(part[field], `${prefix}${field}`, maxText);
}

function checkList(value: unknown, field: string): void {
  if (value === undefined) return;
  if (!Array.isArray(value)) throw new InvalidEventError(`${field} must be a list`);
  for (const item of value) text(item, field, maxText);
}
