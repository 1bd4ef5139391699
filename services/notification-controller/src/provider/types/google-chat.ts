import type { Adapter } from '../adapter.ts';
import { factsOf } from '../facts.ts';
import { fitBytes } from '../fit.ts';
import { goJson } from '../go-json.ts';

/** A message may have 32,000 bytes; the metadata need their share. */
const maxText = 20_000;
const maxValue = 1_000;

/**
 * Posts a card to a webhook of Google Chat.
 *
 * @see https://developers.google.com/workspace/chat/api/reference/rest/v1/cards-v1
 */
export const googleChat: Adapter = async (event, endpoint, send) => {
  const { object, isError, metadata } = factsOf(event);
  const message = fitBytes(event.message, maxText);
  const text = isError ? `<font color="#ff0000">${message}</font>` : message;
  const widgets = metadata.map(([topLabel, value]) => ({
    textParagraph: null,
    keyValue: {
      topLabel,
      content: fitBytes(value, maxValue),
      contentMultiline: false,
      bottomLabel: null,
      icon: null,
    },
  }));
  const card = {
    header: {
      title: object,
      subtitle: event.reportingController,
      imageUrl: null,
      imageStyle: null,
    },
    sections: [
      { header: '', widgets: [{ textParagraph: { text }, keyValue: null }] },
      ...(widgets.length > 0 ? [{ header: '', widgets }] : []),
    ],
  };
  await send({ url: endpoint.address, body: goJson({ cards: [card] }) });
};
