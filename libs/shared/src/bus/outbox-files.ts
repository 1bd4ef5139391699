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
/** Folder of entries that can never be handed over. */
const deadFolder = 'dead';
const fileName = /^[0-9]{14}-([ie])-[0-9a-f-]{36}\.json$/;

/**
 * The files of an outbox: one per entry, written whole under another name and then renamed, so that a killed
 * process leaves whole entries only. Entries survive the process; they are not forced out of the operating system's
 * cache, since the volume they lie on does not outlive the machine either.
 */
export class OutboxFiles {
  readonly #dir: string;
  /** What was set aside, oldest first. */
  readonly #dead: { name: string; bytes: number }[] = [];
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
    await this.#openDead();
    return files;
  }

  async #openDead(): Promise<void> {
    const dir = join(this.#dir, deadFolder);
    const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    for (const name of names.filter((each) => fileName.test(each)).sort()) {
      this.#dead.push({ name, bytes: (await stat(join(dir, name))).size });
      this.#sequence = Math.max(this.#sequence, Number(name.slice(0, 14)));
    }
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

  /**
   * Returns an entry, or undefined when its file is gone or does not hold one.
   *
   * @throws Error when it cannot be read now
   */
  async read(name: string): Promise<OutboxRecord | undefined> {
    const text = await readFile(join(this.#dir, name), 'utf8').catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return '';
        throw error;
      },
    );
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

  /**
   * Puts an entry that can never be handed over out of the way, for a person to look at. Over `maxBytes` of such, the
   * oldest go.
   */
  async setAside(name: string, maxBytes: number): Promise<void> {
    const dir = join(this.#dir, deadFolder);
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const { size } = await stat(join(this.#dir, name));
    await rename(join(this.#dir, name), join(dir, name));
    this.#dead.push({ name, bytes: size });
    let bytes = this.#dead.reduce((sum, file) => sum + file.bytes, 0);
    while (bytes > maxBytes) {
      const oldest = this.#dead.shift();
      if (oldest === undefined) return;
      bytes -= oldest.bytes;
      await rm(join(dir, oldest.name), { force: true });
    }
  }
}
