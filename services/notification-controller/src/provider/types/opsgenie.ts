import { createHash } from 'node:crypto';
import type { Adapter } from '../adapter.ts';
import { tokenOf } from '../credentials.ts';
import { fit } from '../fit.ts';
import { goJson, sorted } from '../go-json.ts';

/** Characters of the message, and of the description. */
const maxMessage = 130;
const maxDescription = 15_000;

/**
 * Opens an alert of Opsgenie; those of one object and reason have the same alias, by which they are one.
 *
 * @see https://docs.opsgenie.com/docs/alert-api#create-alert
 */
export const opsgenie: Adapter = async (event, endpoint, send) => {
  const headers = { authorization: `GenieKey ${tokenOf(endpoint, 'API key')}` };
  const { kind, namespace = '', name } = event.involvedObject;
  const identity = [endpoint.uid, kind, namespace, name, event.reason].join('/');
  const body = goJson({
    message: fit(`${kind}/${name}`, maxMessage),
    alias: createHash('sha256').update(identity).digest('hex'),
    description: fit(event.message, maxDescription),
    details: sorted({ ...event.metadata, severity: event.severity }),
  });
  await send({ url: endpoint.address, headers, body });
};
