import type { Adapter } from '../adapter.ts';
import { goJson } from '../go-json.ts';
import { slackMessage } from '../slack-message.ts';

/** `Message_MaxAllowedSize` of a server that nobody has configured. */
const maxText = 5_000;

/**
 * Posts to an incoming webhook of Rocket.Chat.
 *
 * @see https://docs.rocket.chat/docs/integrations
 */
export const rocket: Adapter = async (event, endpoint, send) => {
  const style = { good: '#0076D7', bad: '#FF0000', maxText, maxFieldText: maxText };
  const body = goJson({ channel: endpoint.channel, ...slackMessage(event, endpoint, style) });
  await send({ url: endpoint.address, body });
};
