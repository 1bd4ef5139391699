import { Readable } from 'node:stream';
import { type Pace, paceBytes } from '@sluice/shared/net';
import type { Client, ClientChannel } from 'ssh2';
import { largeBodyBytes } from '../http.ts';
import { ProtocolError, RefusedError } from './git-error.ts';
import {
  type Advertisement,
  type Answer,
  type Discover,
  type Exchange,
  type GitTransport,
  serviceBanner,
} from './git-transport.ts';
import { PacketFlush } from './packet-flush.ts';

export interface SshTransportOptions {
  /** Address of the repository, without credentials. */
  url: URL;
  /** Path of the repository when it is not that of the address. */
  path?: string;
  /** Opens the connection, when there is something to send. */
  connect: () => Promise<Client>;
  pace: Pace;
  signal: AbortSignal;
}

const contentType = (what: string) => ({ 'content-type': `application/x-git-upload-pack-${what}` });
const maxWordsBytes = 4096;

/**
 * The smart protocol over SSH, in the form that isomorphic-git knows from HTTP: the server's program begins with the
 * advertisement, and its input is the one request.
 */
export class SshTransport implements GitTransport {
  readonly isStateless = false;
  readonly #o: SshTransportOptions;
  #client: Promise<Client> | undefined;
  #program: Program | undefined;

  constructor(o: SshTransportOptions) {
    this.#o = o;
  }

  get url(): URL {
    return this.#o.url;
  }

  async discover({ headers, maxBytes, onLarge }: Discover): Promise<Advertisement> {
    this.#client ??= this.#o.connect();
    const wantsVersion2 = headers['Git-Protocol'] === 'version=2';
    const program = await startProgram(await this.#client, commandOf(this.#o), wantsVersion2);
    this.#program = program;
    const body = await program.readAdvertisement(maxBytes, onLarge);
    return {
      base: this.url.href,
      headers: contentType('advertisement'),
      body: Buffer.concat([Buffer.from(serviceBanner), body]),
    };
  }

  async exchange({ body }: Exchange): Promise<Answer> {
    const program = this.#program;
    if (program === undefined) throw new ProtocolError('nothing was asked for before');
    this.#program = undefined;
    return {
      url: this.url.href,
      headers: contentType('result'),
      body: Readable.from(paceBytes(program.answerTo(body), this.#o.pace, this.#o.signal), {
        objectMode: false,
      }),
    };
  }

  close(): void {
    this.#program = undefined;
    this.#client?.then(
      (client) => client.destroy(),
      () => undefined,
    );
    this.#client = undefined;
  }
}

/** Quotes as git does: the server's shell reads it. */
function commandOf({ url, path: given }: SshTransportOptions): string {
  const path = given ?? decodeURIComponent(url.pathname).replace(/^\/~/, '~');
  return `git-upload-pack '${path.replaceAll(/['!]/g, (found) => `'\\${found}'`)}'`;
}

function startProgram(client: Client, command: string, isVersion2: boolean): Promise<Program> {
  // A server that does not let it through speaks an older version.
  const env = isVersion2 ? { GIT_PROTOCOL: 'version=2' } : {};
  return new Promise((resolve, reject) => {
    client.once('close', () => reject(new ProtocolError('the server ended the SSH connection')));
    client.exec(command, { env }, (error, channel) => {
      if (error) reject(new ProtocolError(`SSH: ${error.message}`, { cause: error }));
      else resolve(new Program(channel));
    });
  });
}

/** git-upload-pack on the server. */
class Program {
  readonly #channel: ClientChannel;
  /** What it says on its standard error output. */
  #words = '';

  constructor(channel: ClientChannel) {
    this.#channel = channel;
    channel.stderr.on('data', (chunk: Buffer) => {
      if (this.#words.length < maxWordsBytes) this.#words += chunk.toString('utf8');
    });
    // Whoever reads it hears of it; without a listener it would end the process.
    channel.on('error', () => undefined);
  }

  async readAdvertisement(maxBytes: number, onLarge: () => Promise<void>): Promise<Buffer> {
    const flush = new PacketFlush();
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const part of this.#channel.iterator({ destroyOnReturn: false })) {
      const chunk = part as Buffer;
      const before = size;
      size += chunk.length;
      if (size > maxBytes) throw new ProtocolError(`the answer is over ${maxBytes} bytes`);
      if (before <= largeBodyBytes && size > largeBodyBytes) await onLarge();
      chunks.push(chunk);
      if (flush.isAtEnd(chunk)) return Buffer.concat(chunks);
    }
    throw await this.#refusal();
  }

  answerTo(body: Buffer): Readable {
    this.#channel.end(body);
    return this.#channel;
  }

  /** Its words may still be on their way when its output has ended. */
  async #refusal(): Promise<Error> {
    const { stderr } = this.#channel;
    if (!stderr.readableEnded && !stderr.destroyed) {
      await new Promise<void>((resolve) => {
        stderr.once('end', resolve);
        stderr.once('close', resolve);
      });
    }
    const words = this.#words.slice(0, maxWordsBytes).trim();
    return words === ''
      ? new ProtocolError('the server has ended without a word: it may not know the repository')
      : new RefusedError(`the server says: ${words}`);
  }
}
