import { createHash } from 'node:crypto';
import type { FluxEvent } from '@sluice/shared/api';
import type { Adapter, Endpoint } from '../adapter.ts';
import { tokenOf } from '../credentials.ts';
import { factsOf } from '../facts.ts';
import { fit, fitEntries } from '../fit.ts';
import { goJson, sorted } from '../go-json.ts';

/** Characters of the message, of the description, of the note at the end, and of all details. */
const maxMessage = 130;
const maxDescription = 15_000;
const maxNote = 25_000;
const detailLimits = { maxValue: 2_000, maxTotal: 7_900 };

/**
 * Opens an alert of Opsgenie, and closes those of failures that the event ends. Those of one object and reason have the
 * same alias, by which they are one.
 *
 * @see https://docs.opsgenie.com/docs/alert-api#create-alert
 * @see https://docs.opsgenie.com/docs/alert-api#close-alert
 */
export const opsgenie: Adapter = async (event, endpoint, send, context) => {
  const { resolves = [], isRecoveryOnly = false } = context;
  const headers = { authorization: `GenieKey ${tokenOf(endpoint, 'API key')}` };
  if (!isRecoveryOnly) {
    const { kind, name } = event.involvedObject;
    const details = fitEntries(factsOf(event).metadata, detailLimits);
    const body = goJson({
      message: fit(`${kind}/${name}`, maxMessage),
      alias: aliasOf(event, endpoint),
      description: fit(event.message, maxDescription),
      details: sorted({ ...Object.fromEntries(details), severity: event.severity }),
    });
    await send({ url: endpoint.address, headers, body });
  }
  for (const alias of new Set(resolves.map((failure) => aliasOf(failure.event, endpoint)))) {
    const note = fit(event.message, maxNote);
    await send({ url: closeUrl(endpoint, alias), headers, body: goJson({ source: 'Flux', note }) });
  }
};

function aliasOf({ involvedObject, reason }: FluxEvent, { uid }: Endpoint): string {
  const { kind, namespace = '', name } = involvedObject;
  const identity = [uid, kind, namespace, name, reason].join('/');
  return createHash('sha256').update(identity).digest('hex');
}

function closeUrl({ address }: Endpoint, alias: string): string {
  const url = new URL(address);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${alias}/close`;
  url.searchParams.set('identifierType', 'alias');
  return url.href;
}
