import { createInterface } from 'node:readline/promises';

/** Where texts go, and answers come from. */
export interface Terminal {
  /** Prints a part of the result. */
  out(text: string): void;
  /** Prints a line that is no part of the result. */
  note(line: string): void;
  /** Asks the user; undefined when there is nobody to ask. */
  ask?(question: string): Promise<string>;
}

interface Streams {
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
}

/**
 * Prints to the streams of the process; questions and what is no result go to standard error, so that the result can be
 * piped on.
 *
 * @param closed called when nobody reads standard output any more
 */
export function createTerminal({ stdin, stdout, stderr }: Streams, closed: () => void): Terminal {
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    closed();
  });
  const terminal: Terminal = {
    out: (text) => void stdout.write(text),
    note: (line) => void stderr.write(`${line}\n`),
  };
  if (!stdin.isTTY || !stderr.isTTY) return terminal;
  const ask = async (question: string) => {
    const reader = createInterface({ input: stdin, output: stderr });
    try {
      return await reader.question(question);
    } finally {
      reader.close();
    }
  };
  return { ...terminal, ask };
}
