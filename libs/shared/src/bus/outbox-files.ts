import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TraceCarrier } from './trace.ts';

/** What an entry holds. */
export interface OutboxRecord {
  id: string;
  trace: TraceCarrier;
  value: unknown;
}

/** One waiting entry: a file, named so that the names sort by age. */
export interface OutboxFile {
  name: string;
  bytes: number;
  /** May be dropped before the others when space runs out. */
  informational: boolean;
  /** Milliseconds since the epoch. */
  since: number;
}

const suffix = '.json';
const fileName = /^[0-9]{14}-([ie])-[0-9a-f-]{36}\.json$/;

/**
 * The files of an outbox: one per entry, written whole under another name and then renamed, so that a killed
 * process leaves whole entries only. Entries survive the process; they are not forced out of the operating system's
 * cache, since the volume they lie on does not outlive the machine either.
 */
export class OutboxFiles {
  readonly #dir: string;
  #sequence = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Finds what an earlier process left, oldest first, and removes what it left half-written. */
  async open(): Promise<OutboxFile[]> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const files: OutboxFile[] = [];
    for (const name of (await readdir(this.#dir)).sort()) {
      const match = fileName.exec(name);
      if (match) {
        const { size, mtimeMs } = await stat(join(this.#dir, name));
        files.push({ name, bytes: size, informational: match[1] === 'i', since: mtimeMs });
        this.#sequence = Number(name.slice(0, 14));
      } else if (name.endsWith('.tmp')) {
        await rm(join(this.#dir, name), { force: true });
      }
    }
    return files;
  }

  /** Reserves the next place in the order. */
  next(informational: boolean): { name: string; id: string } {
    const id = randomUUID();
    const sequence = String(++this.#sequence).padStart(14, '0');
    return { name: `${sequence}-${informational ? 'i' : 'e'}-${id}${suffix}`, id };
  }

  async write(name: string, record: OutboxRecord): Promise<number> {
    const text = JSON.stringify(record);
    const path = join(this.#dir, name);
    const temporary = `${path}.tmp`;
    try {
      await writeFile(temporary, text, { mode: 0o600, flag: 'wx' });
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    return Buffer.byteLength(text);
  }

  /** Returns an entry, or undefined when its file does not hold one. */
  async read(name: string): Promise<OutboxRecord | undefined> {
    const text = await readFile(join(this.#dir, name), 'utf8');
    try {
      const record = JSON.parse(text) as Partial<OutboxRecord> | null;
      return record?.id && record.trace && 'value' in record ? (record as OutboxRecord) : undefined;
    } catch {
      return undefined;
    }
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.#dir, name), { force: true });
  }

  /** Puts a file that cannot be read out of the way, for a person to look at. */
  async setAside(name: string): Promise<void> {
    await rename(join(this.#dir, name), join(this.#dir, `${name}.unreadable`));
  }
}
