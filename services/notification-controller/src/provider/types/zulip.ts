import type { Adapter, Endpoint } from '../adapter.ts';
import { basic } from '../credentials.ts';
import { UnusableProviderError } from '../delivery-error.ts';
import { fit } from '../fit.ts';
import { markdownOf } from '../markdown.ts';

/** Characters of a message, and of a topic. */
const maxContent = 10_000;
const maxTopic = 60;

/**
 * Posts a message to a topic of a channel of Zulip, as a bot.
 *
 * @see https://zulip.com/api/send-message
 */
export const zulip: Adapter = async (event, endpoint, send) => {
  const { username, password } = endpoint;
  const { channel, topic } = placeOf(endpoint);
  const url = new URL('/api/v1/messages', endpoint.address);
  const form = new URLSearchParams({
    // In the order in which Go writes a form.
    content: fit(markdownOf(event), maxContent),
    to: channel,
    topic: topic.slice(0, maxTopic),
    type: 'stream',
  });
  await send({
    url: url.href,
    headers: {
      ...(username !== '' || password !== '' ? basic(username, password) : {}),
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: form.toString(),
  });
};

function placeOf({ channel }: Endpoint): { channel: string; topic: string } {
  const [, name, topic] = /^([^/]+)\/(.+)$/s.exec(channel) ?? [];
  if (name !== undefined && topic !== undefined) return { channel: name, topic };
  throw new UnusableProviderError('spec.channel is not of the form <channel>/<topic>');
}
