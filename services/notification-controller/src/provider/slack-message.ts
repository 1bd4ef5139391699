import type { FluxEvent } from '@sluice/shared/api';
import type { Endpoint } from './adapter.ts';
import { factsOf } from './facts.ts';
import { fit, fitEntries } from './fit.ts';

/** How a service that reads Slack's messages wants them. */
export interface SlackStyle {
  /** Colours of an attachment about a success and a failure. */
  good: string;
  bad: string;
  /** Characters of the text, of the name of the object, of the title and of the value of a field. */
  maxText: number;
  maxTitle?: number;
  maxField?: number;
  /** Characters of all fields together, and how many they are. */
  maxFieldText: number;
  maxFields?: number;
}

/** A message in Slack's form, with one attachment, as several services read it. */
export function slackMessage(event: FluxEvent, { username }: Endpoint, style: SlackStyle) {
  const { object, isError, metadata } = factsOf(event);
  const { good, bad, maxText, maxField = maxText, maxTitle = maxField, maxFields } = style;
  const limits = { maxKey: maxTitle, maxValue: maxField, maxTotal: style.maxFieldText };
  const fields = fitEntries(metadata, { ...limits, maxCount: maxFields });
  return {
    username: username || event.reportingController,
    icon_url: '',
    icon_emoji: '',
    attachments: [
      {
        fallback: fit(`${object}: ${event.message.split('\n')[0]}`, maxText),
        color: isError ? bad : good,
        author_name: fit(object, maxTitle),
        text: fit(event.message, maxText),
        mrkdwn_in: ['text'],
        fields: fields.map(([title, value]) => ({ title, value, short: false })),
      },
    ],
  };
}
