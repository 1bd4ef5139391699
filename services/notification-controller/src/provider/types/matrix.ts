import { createHash } from 'node:crypto';
import type { Adapter } from '../adapter.ts';
import { bearer, channelOf, tokenOf } from '../credentials.ts';
import { factsOf } from '../facts.ts';
import { fitBytes } from '../fit.ts';
import { eventJson, goJson } from '../go-json.ts';

/** An event of a room may have 65,536 bytes, escapes and signatures of servers included. */
const maxBody = 30_000;

/**
 * Posts a message to a room of Matrix. The same event has the same transaction, so that a repetition changes nothing.
 *
 * @see https://spec.matrix.org/latest/client-server-api/#sending-events-to-a-room
 */
export const matrix: Adapter = async (event, endpoint, send) => {
  const room = encodeURIComponent(channelOf(endpoint, 'the room to post to'));
  const headers = bearer(tokenOf(endpoint, 'token'));
  const transaction = createHash('sha1').update(eventJson(event)).digest('hex');
  const { object, isError, metadata } = factsOf(event);
  const lines = metadata.map(([key, value]) => `- ${key}: ${value}\n`).join('');
  const text = `${isError ? '🚨' : '💫'} ${object}\n${event.message}\n${lines}`;
  const path = `_matrix/client/r0/rooms/${room}/send/m.room.message/${transaction}`;
  await send({
    method: 'PUT',
    url: `${endpoint.address.replace(/\/+$/, '')}/${path}`,
    headers,
    body: goJson({ body: fitBytes(text, maxBody), msgtype: 'm.text' }),
  });
};
