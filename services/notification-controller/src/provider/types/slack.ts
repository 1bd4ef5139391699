import type { Adapter } from '../adapter.ts';
import { jsonOf, objectOf } from '../answer.ts';
import { bearer } from '../credentials.ts';
import { DeliveryError } from '../delivery-error.ts';
import { goJson } from '../go-json.ts';
import { slackMessage } from '../slack-message.ts';

const postMessagePath = '/api/chat.postMessage';
/** Characters of a message. */
const maxText = 40_000;
/** Characters of all fields, of which Slack names no limit. */
const maxFieldText = 40_000;

/**
 * Posts an attachment to an incoming webhook, or with a bot token to `chat.postMessage`.
 *
 * @see https://api.slack.com/reference/messaging/attachments
 */
export const slack: Adapter = async (event, endpoint, send) => {
  const { address, token } = endpoint;
  const body = goJson({
    channel: endpoint.channel,
    ...slackMessage(event, endpoint, { good: 'good', bad: 'danger', maxText, maxFieldText }),
  });
  await send({
    url: address,
    body,
    headers: token ? bearer(token) : {},
    checkAnswer: new URL(address).pathname === postMessagePath ? checkAnswer : undefined,
  });
};

/** The API says in the body, under status 200, that it refuses. */
function checkAnswer(body: string): void {
  const { ok, error = 'no reason' } = objectOf(jsonOf(body, 'Slack'));
  if (ok === true) return;
  throw new DeliveryError(`Slack refuses the message: ${String(error)}`);
}
