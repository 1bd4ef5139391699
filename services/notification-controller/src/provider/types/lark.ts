import type { Adapter } from '../adapter.ts';
import { jsonOf, objectOf } from '../answer.ts';
import { DeliveryError } from '../delivery-error.ts';
import { factsOf } from '../facts.ts';
import { fitBytes } from '../fit.ts';
import { goJson } from '../go-json.ts';

/** A request may have 20 KB. */
const maxText = 12_000;
const maxMetadata = 4_000;
/** Codes that mean that there were too many requests. */
const rateLimits = [9499, 11232];

/**
 * Posts a card to a bot of a group of Lark or Feishu.
 *
 * @see https://open.larksuite.com/document/client-docs/bot-v3/add-custom-bot
 */
export const lark: Adapter = async (event, endpoint, send) => {
  const { object, isError, metadata } = factsOf(event);
  const lines = metadata.map(([key, value]) => `${key}: ${value}\n`).join('');
  const content = `**${fitBytes(event.message, maxText)}**\n\n${fitBytes(lines, maxMetadata)}`;
  const card = {
    config: { wide_screen_mode: true },
    header: {
      title: { tag: 'plain_text', content: `${isError ? '🚨' : '💫'} ${object}` },
      template: isError ? 'red' : 'turquoise',
    },
    elements: [{ tag: 'div', text: { tag: 'lark_md', content } }],
  };
  const body = goJson({ msg_type: 'interactive', card });
  await send({ url: endpoint.address, body, checkAnswer });
};

/** Refusals come under status 200. */
function checkAnswer(body: string): void {
  if (body === '') return;
  const { code = 0, msg = 'no reason' } = objectOf(jsonOf(body, 'Lark'));
  if (code === 0) return;
  const isRateLimit = rateLimits.includes(Number(code));
  throw new DeliveryError(
    `Lark refuses the message with code ${String(code)}: ${String(msg).slice(0, 200)}`,
    isRateLimit ? { retryAfterMs: 60_000 } : {},
  );
}
