import type { FluxEvent } from '@sluice/shared/api';
import type { Adapter } from '../adapter.ts';
import { type Facts, factsOf } from '../facts.ts';
import { fitBytes, fitEntries, fitPayload } from '../fit.ts';
import { goJson } from '../go-json.ts';

/** Bytes of a message; of the text, and characters of metadata. */
const maxMessage = 28 * 1024;
const maxText = 16 * 1024;
const maxFact = 1024;
const maxFacts = 8 * 1024;

/**
 * Posts an Adaptive Card to a workflow of Microsoft Teams, or a Message Card to one of the old connectors.
 *
 * @see https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
 */
export const msteams: Adapter = async (event, endpoint, send) => {
  const isConnector = new URL(endpoint.address).hostname.endsWith('.webhook.office.com');
  const card = isConnector ? messageCard : adaptiveCard;
  const body = fitPayload(maxMessage, (share) => goJson(card(event, share)));
  await send({ url: endpoint.address, body });
};

function shortened(metadata: Facts['metadata'], share: number) {
  return fitEntries(metadata, { maxValue: maxFact, maxTotal: Math.floor(maxFacts * share) });
}

function adaptiveCard(event: FluxEvent, share: number) {
  const { object, isError, metadata } = factsOf(event);
  const summaryFirst = [
    ...metadata.filter(([key]) => key === 'summary'),
    ...metadata.filter(([key]) => key !== 'summary'),
  ];
  const facts = shortened(summaryFirst, share).map(([title, value]) => ({ title, value }));
  const items = [
    { type: 'TextBlock', text: object, size: 'large', weight: 'bolder', wrap: true },
    {
      type: 'TextBlock',
      text: fitBytes(event.message, maxText * share),
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

function messageCard(event: FluxEvent, share: number) {
  const { object, isError, metadata } = factsOf(event);
  return {
    '@type': 'MessageCard',
    '@context': 'http://schema.org/extensions',
    themeColor: isError ? 'FF0000' : '0076D7',
    summary: object,
    sections: [
      {
        activityTitle: fitBytes(event.message, maxText * share),
        activitySubtitle: object,
        facts: shortened(metadata, share).map(([name, value]) => ({ name, value })),
      },
    ],
  };
}
