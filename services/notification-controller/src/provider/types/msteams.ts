import type { FluxEvent } from '@sluice/shared/api';
import type { Adapter } from '../adapter.ts';
import { factsOf } from '../facts.ts';
import { fitBytes } from '../fit.ts';
import { goJson } from '../go-json.ts';

/** A message may have 28 KiB; the rest of the card and the metadata need their share. */
const maxText = 16 * 1024;
const maxFact = 1024;

/**
 * Posts an Adaptive Card to a workflow of Microsoft Teams, or a Message Card to one of the old connectors.
 *
 * @see https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
 */
export const msteams: Adapter = async (event, endpoint, send) => {
  const isConnector = new URL(endpoint.address).hostname.endsWith('.webhook.office.com');
  const card = isConnector ? messageCard(event) : adaptiveCard(event);
  await send({ url: endpoint.address, body: goJson(card) });
};

function adaptiveCard(event: FluxEvent) {
  const { object, isError, metadata } = factsOf(event);
  const summaryFirst = [
    ...metadata.filter(([key]) => key === 'summary'),
    ...metadata.filter(([key]) => key !== 'summary'),
  ];
  const facts = summaryFirst.map(([title, value]) => ({ title, value: fitBytes(value, maxFact) }));
  const items = [
    { type: 'TextBlock', text: object, size: 'large', weight: 'bolder', wrap: true },
    {
      type: 'TextBlock',
      text: fitBytes(event.message, maxText),
      ...(isError && { color: 'attention' }),
      wrap: true,
    },
    { type: 'FactSet', ...(facts.length > 0 && { facts }) },
  ];
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [{ type: 'Container', items }],
    msteams: { width: 'Full' },
  };
  const contentType = 'application/vnd.microsoft.card.adaptive';
  return { type: 'message', attachments: [{ contentType, content }] };
}

function messageCard(event: FluxEvent) {
  const { object, isError, metadata } = factsOf(event);
  return {
    '@type': 'MessageCard',
    '@context': 'http://schema.org/extensions',
    themeColor: isError ? 'FF0000' : '0076D7',
    summary: object,
    sections: [
      {
        activityTitle: fitBytes(event.message, maxText),
        activitySubtitle: object,
        facts: metadata.map(([name, value]) => ({ name, value: fitBytes(value, maxFact) })),
      },
    ],
  };
}
