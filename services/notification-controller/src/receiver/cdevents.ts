import { contentFields, hasForm } from './cdevents-types.ts';
import { checkEvent, headerOf, jsonObject, objectIn } from './checks.ts';
import { WebhookRefusedError, type WebhookType } from './webhook.ts';

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
  const fields = contentFields(text(context, 'type', 'context'));
  if (fields === undefined) {
    throw new WebhookRefusedError('the field context.type is no type of CDEvents 0.4');
  }
  if (Number.isNaN(Date.parse(text(context, 'timestamp', 'context')))) {
    throw new WebhookRefusedError('the field context.timestamp is no RFC 3339 time');
  }
  const subject = objectIn(event['subject'], 'the field subject');
  text(subject, 'id', 'subject');
  const content = objectIn(subject['content'], 'the field subject.content');
  const wrong = fields.find((field) => !hasForm(field, content[field]));
  if (wrong !== undefined) {
    throw new WebhookRefusedError(`the field subject.content.${wrong} is missing or wrong`);
  }
  checkEvent(headerOf(headers, 'Ce-Type'), events);
  return 'reconcile';
};

function text(object: Record<string, unknown>, field: string, where: string): string {
  const value = object[field];
  if (typeof value === 'string' && value !== '') return value;
  throw new WebhookRefusedError(`the field ${where}.${field} is missing or no text`);
}
