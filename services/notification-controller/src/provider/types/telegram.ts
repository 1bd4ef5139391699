import type { Adapter, Endpoint } from '../adapter.ts';
import { channelOf, tokenOf } from '../credentials.ts';
import { UnusableProviderError } from '../delivery-error.ts';
import { factsOf } from '../facts.ts';
import { fit, fitEntries } from '../fit.ts';
import { goJson } from '../go-json.ts';

/** A message may have 4,096 characters once its escapes are read: heading, text and metadata. */
const maxHeading = 300;
const maxText = 3_000;
const metadataLimits = { maxValue: 300, maxTotal: 600, maxCount: 15 };

/**
 * Posts a message to a chat of Telegram, or to a topic of it as `chat:topic`.
 *
 * @see https://core.telegram.org/bots/api#sendmessage
 */
export const telegram: Adapter = async (event, endpoint, send) => {
  const [chat, ...topic] = channelOf(endpoint, 'the chat to post to').split(':');
  const token = botToken(endpoint);
  const { isError, metadata } = factsOf(event);
  const { kind, name, namespace = '' } = event.involvedObject;
  const object = `${kind.toLowerCase()}/${name}/${namespace}`;
  const heading = fit(`${isError ? '🚨' : '💫'} ${object}`, maxHeading);
  const lines = fitEntries(metadata, metadataLimits).map(
    ([key, value]) => `\\- *${escaped(key)}*: ${escaped(value)}\n`,
  );
  const message = escaped(fit(event.message, maxText));
  const body = {
    chat_id: chat,
    ...(topic.length > 0 && { message_thread_id: topic.join(':') }),
    text: `*${escaped(heading)}*\n${message}\n${lines.join('')}`,
    parse_mode: 'MarkdownV2',
  };
  await send({ url: `https://api.telegram.org/bot${token}/sendMessage`, body: goJson(body) });
};

/** It is a part of the address, as it is. */
function botToken(endpoint: Endpoint): string {
  const token = tokenOf(endpoint, 'token of a bot');
  if (/^[0-9]+:[\w-]+$/.test(token)) return token;
  throw new UnusableProviderError(
    "the key 'token' of the Secret of spec.secretRef is no token of a bot: it has the form 123456:ABC-DEF",
  );
}

/** Escapes what has a meaning in MarkdownV2. */
function escaped(text: string): string {
  return text.replace(/[\\.\-_[\]()~>`#+=|{}!*]/g, '\\$&');
}
