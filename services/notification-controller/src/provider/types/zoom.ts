import type { Adapter } from '../adapter.ts';
import { tokenOf } from '../credentials.ts';
import { factsOf } from '../facts.ts';
import { fit, fitEntries } from '../fit.ts';
import { goJson } from '../go-json.ts';

/** Characters of a message of Team Chat, and of its fields. */
const maxText = 4_000;

/**
 * Posts a message to an incoming webhook of Zoom Team Chat.
 *
 * @see https://support.zoom.com/hc/en/article?id=zm_kb&sysparm_article=KB0067640
 */
export const zoom: Adapter = async (event, endpoint, send) => {
  // As it is, with no word before it.
  const headers = { authorization: tokenOf(endpoint, 'verification token') };
  const url = new URL(endpoint.address);
  if (!url.searchParams.get('format')) url.searchParams.set('format', 'full');
  const { object, metadata } = factsOf(event);
  const items = fitEntries(metadata, { maxValue: maxText, maxTotal: maxText }).map(
    ([key, value]) => ({ key, value }),
  );
  const content = {
    head: { text: object, sub_head: { text: event.severity } },
    body: [
      { type: 'message', text: fit(event.message, maxText) },
      ...(items.length > 0 ? [{ type: 'fields', items }] : []),
    ],
  };
  await send({ url: url.href, headers, body: goJson({ content }) });
};
