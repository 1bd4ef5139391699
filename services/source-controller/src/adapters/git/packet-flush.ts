import { ProtocolError } from './git-error.ts';

const lengthDigits = 4;
const lengthPattern = /^[0-9a-f]{4}$/i;

/**
 * Finds the packet that ends a list in a stream that goes on after it.
 *
 * @see https://git-scm.com/docs/gitprotocol-common#_pkt_line_format
 */
export class PacketFlush {
  #digits = '';
  #skip = 0;

  /**
   * Takes the next part of the stream.
   *
   * @returns whether the list ends with it
   * @throws ProtocolError when there are no packets, or more after the end
   */
  isAtEnd(chunk: Buffer): boolean {
    let at = 0;
    while (at < chunk.length) {
      const skipped = Math.min(this.#skip, chunk.length - at);
      this.#skip -= skipped;
      at += skipped;
      const missing = lengthDigits - this.#digits.length;
      this.#digits += chunk.toString('latin1', at, at + missing);
      at = Math.min(chunk.length, at + missing);
      if (this.#digits.length < lengthDigits) return false;
      if (!lengthPattern.test(this.#digits)) {
        throw new ProtocolError('the server does not speak Git’s smart protocol');
      }
      const length = Number.parseInt(this.#digits, 16);
      this.#digits = '';
      if (length === 0) {
        if (at === chunk.length) return true;
        throw new ProtocolError('the server goes on without having been asked');
      }
      // Lengths below four say something else than a length, and have no content.
      this.#skip = Math.max(0, length - lengthDigits);
    }
    return false;
  }
}
