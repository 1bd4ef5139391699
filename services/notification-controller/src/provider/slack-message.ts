import type { FluxEvent } from '@sluice/shared/api';
import type { Endpoint } from './adapter.ts';
import { factsOf } from './facts.ts';
import { fit } from './fit.ts';

/** How a service that reads Slack's messages wants them. */
export interface SlackStyle {
  /** Colours of an attachment about a success and a failure. */
  good: string;
  bad: string;
  /** Characters of the text, and of the value of a field when they are limited. */
  maxText: number;
  maxField?: number;
  maxFields?: number;
}

/** A message in Slack's form, with one attachment, as several services read it. */
export function slackMessage(event: FluxEvent, { username }: Endpoint, style: SlackStyle) {
  const { object, isError, metadata } = factsOf(event);
  const { good, bad, maxText, maxField = maxText, maxFields = metadata.length } = style;
  return {
    username: username || event.reportingController,
    icon_url: '',
    icon_emoji: '',
    attachments: [
      {
        fallback: fit(`${object}: ${event.message.split('\n')[0]}`, maxText),
        color: isError ? bad : good,
        author_name: object,
        text: fit(event.message, maxText),
        mrkdwn_in: ['text'],
        fields: metadata.slice(0, maxFields).map(([title, value]) => ({
          title: fit(title, maxField),
          value: fit(value, maxField),
          short: false,
        })),
      },
    ],
  };
}
