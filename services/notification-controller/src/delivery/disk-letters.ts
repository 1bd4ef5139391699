import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '@sluice/shared/base';
import type { DeadLetter } from './delivery.ts';

const maxLetters = 1_000;

/** The dead letters in a folder, a file each; the newest thousand are kept. */
export class DiskLetters {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async keep(letter: DeadLetter): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const name = `${letter.failedAt.replaceAll(/[^0-9]/g, '')}-${sha256Hex(letter.delivery.id).slice(0, 16)}.json`;
    await writeFile(join(this.#dir, `${name}.tmp`), JSON.stringify(letter), { mode: 0o600 });
    await rename(join(this.#dir, `${name}.tmp`), join(this.#dir, name));
    const oldest = (await readdir(this.#dir)).sort().slice(0, -maxLetters);
    await Promise.all(oldest.map((old) => rm(join(this.#dir, old), { force: true })));
  }

  /** Names of the letters, the oldest first. */
  async names(): Promise<string[]> {
    const names = await readdir(this.#dir).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    return names.filter((name) => name.endsWith('.json')).sort();
  }

  /** Undefined when it is gone or no letter. */
  async read(name: string): Promise<unknown> {
    try {
      return JSON.parse(await readFile(join(this.#dir, name), 'utf8'));
    } catch {
      return undefined;
    }
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.#dir, name), { force: true });
  }
}
