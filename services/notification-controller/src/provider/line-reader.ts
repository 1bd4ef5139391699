import type { Socket } from 'node:net';

/** Longer lines are no line. */
const maxLineLength = 64 * 1024;

/** Reads a connection line by line. */
export class LineReader {
  readonly #socket: Socket;
  readonly #lines: string[] = [];
  #rest = '';
  #end: Error | undefined;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#onData);
    socket.on('error', this.#onEnd);
    socket.on('close', this.#onClose);
    socket.resume();
  }

  /** @throws Error when the connection ends before */
  async next(): Promise<string> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      if (this.#end !== undefined) throw this.#end;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Leaves the connection to somebody else. */
  release(): void {
    this.#socket.off('data', this.#onData);
    this.#socket.off('error', this.#onEnd);
    this.#socket.off('close', this.#onClose);
    this.#socket.pause();
  }

  readonly #onData = (chunk: Buffer): void => {
    const parts = (this.#rest + chunk.toString('latin1')).split('\r\n');
    this.#rest = parts.pop() ?? '';
    this.#lines.push(...parts);
    if (this.#rest.length > maxLineLength) this.#onEnd(new Error('a line never ends'));
    this.#wake();
  };

  readonly #onEnd = (error: Error): void => {
    this.#end ??= error;
    this.#wake();
  };

  readonly #onClose = (): void => this.#onEnd(new Error('it is closed'));
}
