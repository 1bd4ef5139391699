import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { errorMessage } from '@sluice/shared/base';
import { jsonOf, objectOf } from './answer.ts';
import type { Connection } from './connect.ts';
import { DeliveryError } from './delivery-error.ts';
import { LineReader } from './line-reader.ts';

/** Makes the fields that log in, signing the server's nonce when it has one. */
export type NatsLogin = (nonce?: string) => Record<string, unknown>;

/** A message, and how to hand it over. */
export interface NatsMessage {
  subject: string;
  /** Made for what the server takes. */
  payload: (maxBytes: number) => string;
  /** By which a stream knows a repetition. */
  id: string;
  /** More headers, for a server that takes them; without line breaks. */
  headers?: Record<string, string>;
  tls: { isRequired: boolean; servername: string; ca?: string; cert?: string; key?: string };
  login: NatsLogin;
}

/** Lines of a server until its answer: each ping of it is answered, and what it does not read fills memory. */
const maxLines = 100;

const client = {
  verbose: false,
  pedantic: false,
  lang: 'node',
  version: '1',
  name: 'sluice',
  headers: true,
};

/**
 * Publishes one message over a fresh connection; resolves once the server has taken it.
 *
 * @throws DeliveryError
 */
export async function publishToNats(connection: Connection, message: NatsMessage): Promise<void> {
  const { name, signal } = connection;
  try {
    await publish(connection, message);
  } catch (error) {
    if (error instanceof DeliveryError) throw error;
    const what = signal.aborted ? 'it took longer than spec.timeout' : errorMessage(error);
    throw new DeliveryError(`${name} broke the connection off: ${what}`);
  }
}

async function publish({ name, socket: plain }: Connection, message: NatsMessage): Promise<void> {
  const { tls, login } = message;
  const greeting = new LineReader(plain);
  const info = infoOf(await greeting.next(), name);
  greeting.release();
  const socket = tls.isRequired || info['tls_required'] ? await secured(plain, tls) : plain;
  const max = Number(info['max_payload'] ?? Number.MAX_SAFE_INTEGER);
  const { frame, bytes } = framed(message, Boolean(info['headers']), max);
  if (bytes > max) {
    throw new DeliveryError(`the message has ${bytes} bytes, more than ${name} takes`, {
      permanent: true,
    });
  }
  const nonce = typeof info['nonce'] === 'string' ? info['nonce'] : undefined;
  const options = { ...client, tls_required: socket !== plain, ...login(nonce) };
  const lines = new LineReader(socket);
  socket.write(`CONNECT ${JSON.stringify(options)}\r\n`);
  socket.write(`${frame}PING\r\n`);
  await untilPong(lines, socket, name);
}

/** The message as it is sent: with its identifier, to a server that takes headers. */
function framed(
  { subject, payload: make, id, headers: more = {} }: NatsMessage,
  takesHeaders: boolean,
  maxBytes: number,
): { frame: string; bytes: number } {
  const lines = Object.entries({ 'Nats-Msg-Id': id, ...more }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const headers = takesHeaders ? `NATS/1.0\r\n${lines.join('')}\r\n` : '';
  const payload = make(maxBytes - headers.length);
  const bytes = Buffer.byteLength(headers + payload);
  const command = takesHeaders ? `HPUB ${subject} ${headers.length}` : `PUB ${subject}`;
  return { frame: `${command} ${bytes}\r\n${headers}${payload}\r\n`, bytes };
}

function infoOf(line: string, name: string): Record<string, unknown> {
  if (!line.startsWith('INFO ')) throw new DeliveryError(`${name} is no server of NATS`);
  return objectOf(jsonOf(line.slice('INFO '.length), name));
}

function secured(socket: Socket, tls: NatsMessage['tls']): Promise<Socket> {
  const { servername, ca, cert, key } = tls;
  return new Promise((resolve, reject) => {
    const secure = connectTls({ socket, servername, ca, cert, key }, () => resolve(secure));
    secure.once('error', reject);
  });
}

/** The server answers in order: what it has against the message comes before the answer to the ping. */
async function untilPong(lines: LineReader, socket: Socket, name: string): Promise<void> {
  for (let count = 0; count < maxLines; count++) {
    const line = await lines.next();
    if (line === 'PONG') return;
    if (line === 'PING') socket.write('PONG\r\n');
    if (line.startsWith('-ERR')) {
      throw new DeliveryError(`${name} refuses the message: ${line.slice(5, 300)}`);
    }
  }
  throw new DeliveryError(`${name} sends more than ${maxLines} lines without an answer`);
}
