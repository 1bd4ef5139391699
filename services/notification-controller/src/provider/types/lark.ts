import type { Adapter } from '../adapter.ts';
import { jsonOf, objectOf } from '../answer.ts';
import { DeliveryError } from '../delivery-error.ts';
import { factsOf } from '../facts.ts';
import { fitBytes, fitPayload } from '../fit.ts';
import { goJson } from '../go-json.ts';

/** Bytes of a request; of the text, and of the metadata. */
const maxRequest = 20_000;
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
  const contentOf = (share: number) =>
    `**${fitBytes(event.message, maxText * share)}**\n\n${fitBytes(lines, maxMetadata * share)}`;
  const cardOf = (share: number) => ({
    config: { wide_screen_mode: true },
    header: {
      title: { tag: 'plain_text', content: `${isError ? '🚨' : '💫'} ${object}` },
      template: isError ? 'red' : 'turquoise',
    },
    elements: [{ tag: 'div', text: { tag: 'lark_md', content: contentOf(share) } }],
  });
  const body = fitPayload(maxRequest, (share) =>
    goJson({ msg_type: 'interactive', card: cardOf(share) }),
  );
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
