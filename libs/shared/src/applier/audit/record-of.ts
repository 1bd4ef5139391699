import type { AuditedChange, AuditedObject, AuditedReason, AuditRecord } from '@sluice/shared/api';
import { cut, digestOfParts, printable } from '@sluice/shared/base';
import { currentTraceparent } from '@sluice/shared/runtime';
import type { AuditEntry } from './audit.ts';

/** Bytes of a record; objects beyond are counted. A message of NATS may have 1 MiB, and the stream has to last. */
const maxBytes = 16 * 1024;
const maxObjects = 100;
const maxFields = 20;
const maxUsers = 10;
/** Characters of a path of a field, and of a text that somebody wrote. */
const maxPath = 300;
const maxText = 1000;

/**
 * Makes the record of an entry, of bounded size.
 *
 * @param o `controller` carries the action out; `nowMs` is in milliseconds since the epoch
 */
export function recordOf(entry: AuditEntry, o: { controller: string; nowMs: number }): AuditRecord {
  const { action, phase = 'noted', result, object, revision, what, why } = entry;
  const { namespace = '', name, uid = '' } = object.metadata;
  const author = entry.author && textOf(entry.author);
  const users = textsOf(entry.users);
  const traceparent = currentTraceparent();
  const record: AuditRecord = {
    id: idOf(entry),
    time: new Date(o.nowMs).toISOString(),
    action,
    phase,
    ...(result && { result }),
    object: { kind: object.kind, namespace, name, uid },
    ...(revision && { revision: textOf(revision) }),
    who: { controller: o.controller, ...(author && { author }), ...(users && { users }) },
    ...(what && { what: changeOf(what) }),
    ...(why && { why: reasonOf(why) }),
    ...(traceparent && { traceparent }),
  };
  return fitted(record);
}

function idOf({ action, phase = 'noted', result, object, occasion }: AuditEntry): string {
  const { namespace = '', name, uid = '' } = object.metadata;
  const what = [action, object.kind, namespace, name, uid];
  const parts = [...what, ...occasion.map((part) => String(part ?? ''))];
  return [digestOfParts(parts), phase, ...(result === undefined ? [] : [result])].join('.');
}

function textOf(text: string): string {
  return cut(printable(text), maxText);
}

function textsOf(texts: readonly string[] | undefined): string[] | undefined {
  return texts?.length ? texts.slice(0, maxUsers).map(textOf) : undefined;
}

function reasonOf({ mode, approvals, window, text }: AuditedReason): AuditedReason {
  const names = textsOf(approvals);
  return {
    ...(mode && { mode }),
    ...(names && { approvals: names }),
    ...(window && { window: textOf(window) }),
    ...(text && { text: textOf(text) }),
  };
}

function changeOf({ objects, ...digests }: AuditedChange): AuditedChange {
  if (objects === undefined) return digests;
  const listed = objects.slice(0, maxObjects).map(objectOf);
  const omitted = (digests.omitted ?? 0) + objects.length - listed.length;
  const { count = listed.length + omitted } = digests;
  return { ...digests, count, objects: listed, ...(omitted > 0 && { omitted }) };
}

function objectOf(object: AuditedObject): AuditedObject {
  const { fields, moreFields = 0 } = object;
  if (fields === undefined) return object;
  const more = moreFields + Math.max(0, fields.length - maxFields);
  return {
    ...object,
    fields: fields.slice(0, maxFields).map((path) => cut(printable(path), maxPath)),
    ...(more > 0 && { moreFields: more }),
  };
}

/** The record with as many objects as there is room for. */
function fitted(record: AuditRecord): AuditRecord {
  const { what } = record;
  if (what?.objects === undefined) return record;
  const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));
  let room = maxBytes - bytesOf({ ...record, what: { ...what, objects: [] } });
  const fit = what.objects.findIndex((object) => {
    room -= bytesOf(object) + 1;
    return room < 0;
  });
  if (fit < 0) return record;
  const omitted = (what.omitted ?? 0) + what.objects.length - fit;
  return { ...record, what: { ...what, objects: what.objects.slice(0, fit), omitted } };
}
