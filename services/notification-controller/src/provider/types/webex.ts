import type { Adapter } from '../adapter.ts';
import { bearer, channelOf, tokenOf } from '../credentials.ts';
import { factsOf } from '../facts.ts';
import { fitBytes } from '../fit.ts';
import { goJson } from '../go-json.ts';

/** Bytes of a message. */
const maxMarkdown = 7_439;

/**
 * Posts a message to a room of Webex, as a bot.
 *
 * @see https://developer.webex.com/docs/api/v1/messages/create-a-message
 */
export const webex: Adapter = async (event, endpoint, send) => {
  const roomId = channelOf(endpoint, 'the room to post to');
  const headers = bearer(tokenOf(endpoint, 'token of a bot'));
  const { object, isError, metadata } = factsOf(event);
  const title = `${isError ? '💣' : '✅'} **${object}**\n`;
  const rest = metadata.map(([key, value]) => `>**${key}**: ${value}\n`).join('');
  const markdown = fitBytes(`${title}${event.message}\n${rest}`, maxMarkdown);
  await send({ url: endpoint.address, headers, body: goJson({ roomId, markdown }) });
};
