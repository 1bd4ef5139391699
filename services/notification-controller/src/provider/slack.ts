import type { Adapter } from './adapter.ts';
import { DeliveryError } from './delivery-error.ts';
import { goJson, sorted } from './go-json.ts';

const postMessagePath = '/api/chat.postMessage';

/**
 * Posts an attachment to an incoming webhook, or with a bot token to `chat.postMessage`.
 *
 * @see https://api.slack.com/reference/messaging/attachments
 */
export const slack: Adapter = async (event, endpoint, post) => {
  const { kind, name, namespace = '' } = event.involvedObject;
  const author = `${kind.toLowerCase()}/${name}.${namespace}`;
  const body = goJson({
    channel: endpoint.channel,
    username: endpoint.username || event.reportingController,
    icon_url: '',
    icon_emoji: '',
    attachments: [
      {
        fallback: `${author}: ${event.message.split('\n')[0]}`,
        color: event.severity === 'error' ? 'danger' : 'good',
        author_name: author,
        text: event.message,
        mrkdwn_in: ['text'],
        fields: Object.entries(sorted(event.metadata ?? {})).map(([title, value]) => ({
          title,
          value,
          short: false,
        })),
      },
    ],
  });
  await post({
    url: endpoint.address,
    body,
    headers: endpoint.token ? { authorization: `Bearer ${endpoint.token}` } : {},
    checkAnswer: new URL(endpoint.address).pathname === postMessagePath ? checkAnswer : undefined,
  });
};

/** The API says in the body, under status 200, that it refuses. */
function checkAnswer(body: string): void {
  let answer: { ok?: unknown; error?: unknown };
  try {
    answer = JSON.parse(body) as typeof answer;
  } catch (cause) {
    throw new DeliveryError('Slack did not answer with JSON', { cause });
  }
  if (answer?.ok !== true) {
    throw new DeliveryError(`Slack refuses the message: ${String(answer?.error ?? 'no reason')}`);
  }
}
