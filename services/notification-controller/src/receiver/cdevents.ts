import { checkEvent, headerOf, jsonObject, objectIn } from './checks.ts';
import { WebhookRefusedError, type WebhookType } from './webhook.ts';

/** Subjects of the specification's version 0.4, and what may happen to them. */
const predicates: Record<string, readonly string[]> = {
  artifact: ['deleted', 'downloaded', 'packaged', 'published', 'signed'],
  branch: ['created', 'deleted'],
  build: ['finished', 'queued', 'started'],
  change: ['abandoned', 'created', 'merged', 'reviewed', 'updated'],
  environment: ['created', 'deleted', 'modified'],
  incident: ['detected', 'reported', 'resolved'],
  pipelinerun: ['finished', 'queued', 'started'],
  repository: ['created', 'deleted', 'modified'],
  service: ['deployed', 'published', 'removed', 'rolledback', 'upgraded'],
  taskrun: ['finished', 'started'],
  testcaserun: ['finished', 'queued', 'skipped', 'started'],
  testoutput: ['published'],
  testsuiterun: ['finished', 'queued', 'started'],
  ticket: ['closed', 'created', 'updated'],
};

const ownType = /^dev\.cdevents\.([a-z]+)\.([a-z]+)\.0\.\d+\.\d+/;
const customType = /^dev\.cdeventsx\.[a-z0-9]+-[a-z]+\.[a-z]+\.\d+\.\d+\.\d+/;

/**
 * CDEvents in a CloudEvent in binary mode. They are not signed: the path is the secret.
 *
 * @see https://github.com/cdevents/spec/blob/v0.4.1/spec.md
 */
export const cdeventsWebhook: WebhookType = ({ headers, body }, { events }) => {
  const event = jsonObject(body);
  const context = objectIn(event['context'], 'the field context');
  for (const field of ['version', 'id', 'source', 'type', 'timestamp']) {
    text(context, field, 'context');
  }
  if (!isKnownType(text(context, 'type', 'context'))) {
    throw new WebhookRefusedError('the field context.type is no type of CDEvents 0.4');
  }
  if (Number.isNaN(Date.parse(text(context, 'timestamp', 'context')))) {
    throw new WebhookRefusedError('the field context.timestamp is no RFC 3339 time');
  }
  const subject = objectIn(event['subject'], 'the field subject');
  text(subject, 'id', 'subject');
  objectIn(subject['content'], 'the field subject.content');
  checkEvent(headerOf(headers, 'Ce-Type'), events);
  return 'reconcile';
};

function text(object: Record<string, unknown>, field: string, where: string): string {
  const value = object[field];
  if (typeof value === 'string' && value !== '') return value;
  throw new WebhookRefusedError(`the field ${where}.${field} is missing or no text`);
}

function isKnownType(type: string): boolean {
  const [, subject = '', predicate = ''] = ownType.exec(type) ?? [];
  const known = Object.hasOwn(predicates, subject) ? predicates[subject] : undefined;
  return known?.includes(predicate) || customType.test(type);
}
