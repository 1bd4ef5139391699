import type { Adapter, Endpoint, RecordAdapter } from '../adapter.ts';
import type { Connect } from '../connect.ts';
import { channelOf } from '../credentials.ts';
import { UnusableProviderError } from '../delivery-error.ts';
import { fitEvent } from '../fit.ts';
import { type NatsLogin, type NatsMessage, publishToNats } from '../nats-publish.ts';
import { recordHeader } from '../record-header.ts';
import { stableId } from '../stable-id.ts';

const schemes = ['nats:', 'tls:'];
const defaultPort = 4222;

/**
 * Publishes the event to a subject of NATS. It logs in by the keys of the Secret: `creds`, else `nkey`, else
 * `username` and `password`.
 *
 * @see https://docs.nats.io/reference/reference-protocols/nats-protocol
 */
export const nats: Adapter = (event, endpoint, _send, { connect }) =>
  publish(endpoint, connect, {
    payload: (maxBytes) => fitEvent(event, maxBytes),
    id: stableId(event, 32),
  });

/** Publishes the record to the subject of events, with its id as `Nats-Msg-Id`. */
export const natsRecord: RecordAdapter = (record, endpoint, _send, { connect }) =>
  publish(endpoint, connect, {
    payload: () => JSON.stringify(record),
    id: record.id,
    headers: recordHeader(record),
  });

async function publish(
  endpoint: Endpoint,
  connect: Connect,
  message: Pick<NatsMessage, 'payload' | 'id' | 'headers'>,
): Promise<void> {
  const subject = channelOf(endpoint, 'the subject to publish to');
  if (!/^[^\s.*>]+(\.[^\s.*>]+)*$/.test(subject)) {
    throw new UnusableProviderError(
      'spec.channel is no subject of NATS: write names with dots between',
    );
  }
  const { host, port, isSecure } = serverOf(endpoint);
  const login = await loginOf(endpoint);
  const connection = await connect(host, port);
  try {
    await publishToNats(connection, {
      ...message,
      subject,
      tls: { isRequired: isSecure, servername: host, ...endpoint.tls },
      login,
    });
  } finally {
    connection.close();
  }
}

function serverOf({ address }: Endpoint): { host: string; port: number; isSecure: boolean } {
  const url = URL.parse(address.includes('://') ? address : `nats://${address}`);
  if (url === null || !schemes.includes(url.protocol) || url.hostname === '') {
    throw new UnusableProviderError('spec.address names no server of NATS: write nats://host:4222');
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { host, port: Number(url.port) || defaultPort, isSecure: url.protocol === 'tls:' };
}

/** The library signs; it is loaded by the first Provider of this type. */
async function loginOf({ secret, username, password }: Endpoint): Promise<NatsLogin> {
  const { creds, nkey } = secret;
  if (!creds && !nkey) {
    return () => (username && password ? { user: username, pass: password } : {});
  }
  const { credsAuthenticator, nkeyAuthenticator } = await import('@nats-io/transport-node');
  const bytes = (text: string) => new TextEncoder().encode(text);
  const sign = creds
    ? credsAuthenticator(bytes(`${creds}\n`))
    : nkeyAuthenticator(bytes(nkey?.trim() ?? ''));
  return (nonce) => {
    try {
      return { ...sign(nonce) };
    } catch {
      throw new UnusableProviderError(
        `the key '${creds ? 'creds' : 'nkey'}' of the Secret of spec.secretRef cannot be used: put the credentials of a user there`,
      );
    }
  };
}
