import { createHash } from 'node:crypto';

// The format in which SSH writes keys and signatures (RFC 4251, section 5).

const lengthBytes = 4;

/** A field: its length and its content. */
export function field(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Reads fields one after the other. What is not there is empty, or 0. */
export class Fields {
  readonly #content: Buffer;
  #at = 0;
  /** Whether more was asked for than there is. */
  isShort = false;

  constructor(content: Buffer) {
    this.#content = content;
  }

  bytes(length: number): Buffer {
    const end = this.#at + length;
    this.isShort ||= end > this.#content.length;
    const found = this.#content.subarray(this.#at, end);
    this.#at = Math.min(end, this.#content.length);
    return found;
  }

  number(): number {
    const bytes = this.bytes(lengthBytes);
    return bytes.length === lengthBytes ? bytes.readUInt32BE() : 0;
  }

  next(): Buffer {
    return this.bytes(this.number());
  }
}

/** The fingerprint of a public key, as ssh-keygen prints it. */
export function fingerprintOf(publicKey: Buffer): string {
  const digest = createHash('sha256').update(publicKey).digest('base64').replace(/=+$/, '');
  return `SHA256:${digest}`;
}
