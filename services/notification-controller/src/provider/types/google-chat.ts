import type { FluxEvent } from '@sluice/shared/api';
import type { Adapter } from '../adapter.ts';
import { factsOf } from '../facts.ts';
import { fitBytes, fitEntries, fitPayload } from '../fit.ts';
import { goJson } from '../go-json.ts';

/** Bytes of a message; of the text, and characters of metadata. */
const maxMessage = 32_000;
const maxText = 20_000;
const maxValue = 1_000;
const maxValues = 8_000;

/**
 * Posts a card to a webhook of Google Chat.
 *
 * @see https://developers.google.com/workspace/chat/api/reference/rest/v1/cards-v1
 */
export const googleChat: Adapter = async (event, endpoint, send) => {
  const body = fitPayload(maxMessage, (share) => goJson({ cards: [cardOf(event, share)] }));
  await send({ url: endpoint.address, body });
};

function cardOf(event: FluxEvent, share: number) {
  const { object, isError, metadata } = factsOf(event);
  const message = fitBytes(event.message, maxText * share);
  const text = isError ? `<font color="#ff0000">${message}</font>` : message;
  const values = fitEntries(metadata, { maxValue, maxTotal: Math.floor(maxValues * share) });
  const widgets = values.map(([topLabel, value]) => ({
    textParagraph: null,
    keyValue: {
      topLabel,
      content: value,
      contentMultiline: false,
      bottomLabel: null,
      icon: null,
    },
  }));
  return {
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
}
