import type { Adapter } from '../adapter.ts';
import { goJson } from '../go-json.ts';
import { slackMessage } from '../slack-message.ts';

/** Limits of an embed, which an attachment becomes: 6,000 characters together, and 25 fields. */
const limits = {
  maxText: 3_000,
  maxTitle: 256,
  maxField: 1_024,
  maxFieldText: 2_700,
  maxFields: 25,
};

/**
 * Posts to a webhook of Discord in Slack's form, which it takes at `…/slack`.
 *
 * @see https://discord.com/developers/docs/resources/webhook#execute-slackcompatible-webhook
 */
export const discord: Adapter = async (event, endpoint, send) => {
  const url = new URL(endpoint.address);
  if (!url.pathname.endsWith('/slack')) url.pathname = url.pathname.replace(/\/*$/, '/slack');
  const body = goJson(slackMessage(event, endpoint, { good: 'good', bad: 'danger', ...limits }));
  await send({ url: url.href, body });
};
