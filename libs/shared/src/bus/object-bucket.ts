import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { headers, NoRespondersError } from '@nats-io/transport-node';
import { type Clock, errorMessage, systemClock } from '@sluice/shared/base';
import { bucketName, bucketStream, chunkSubject, infoSubject } from './bucket.ts';
import type { Bus, BusConnection } from './bus.ts';
import { BusUnavailableError } from './bus-errors.ts';
import {
  contentDigest,
  contentHash,
  type ObjectInfo,
  objectToken,
  parseObjectInfo,
} from './object-info.ts';
import { isStreamFull } from './refusal.ts';

/** Largest piece of an object; servers take messages of up to 1 MiB unless told. */
const chunkBytes = 512 * 1024;
/** Milliseconds to wait for NATS, and for each acknowledgement: a piece is on the disk of the server by then. */
const readyMs = 5_000;
const acknowledgeMs = 15_000;
/** Milliseconds after which pieces that belong to no object are what an interrupted write has left. */
const abandonedMs = 60 * 60_000;

/** An object of the bucket. */
export interface StoredObject {
  name: string;
  /** When the file was written that was stored, in milliseconds since the epoch. */
  storedAt: number;
  /** Size. */
  bytes: number;
}

/**
 * The bucket of artifacts in the object store of NATS. It is read by direct gets: they need no right to make consumers, by
 * which a server can be had to send messages to anybody. Written in the form in which the clients of NATS have objects.
 *
 * @see https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-20.md
 */
export class ObjectBucket {
  readonly name: string;
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #stream: string;

  constructor(bus: Bus, clock: Clock = systemClock) {
    this.#bus = bus;
    this.#clock = clock;
    this.name = bucketName(bus.prefix);
    this.#stream = bucketStream(this.name);
  }

  /** Calls the listener each time that NATS comes into reach, and at once when it is. Returns how to stop that. */
  onReady(listener: () => void): () => void {
    return this.#bus.onReady(listener);
  }

  /**
   * Stores a file under a name, in place of what was there, and returns once all of it is acknowledged.
   *
   * @throws BusUnavailableError when NATS, or its bucket, does not take it now
   */
  put(name: string, file: string): Promise<void> {
    return this.#use(async (connection) => {
      const before = await this.#find(connection, name);
      const id = randomUUID();
      try {
        await this.#write(connection, { name, id, file });
      } catch (error) {
        // The next list removes what this cannot.
        await this.#purge(connection, chunkSubject(this.name, id)).catch(() => undefined);
        throw error;
      }
      if (before === undefined) return;
      await this.#purge(connection, chunkSubject(this.name, before.nuid)).catch(() => undefined);
    });
  }

  /**
   * Writes an object to a new file.
   *
   * @returns undefined when there is none, or not all of it; what was written of it then is of no use
   * @throws BusUnavailableError when NATS, or its bucket, does not answer
   */
  get(name: string, file: string): Promise<StoredObject | undefined> {
    return this.#use(async (connection) => {
      const info = await this.#find(connection, name);
      if (info === undefined) return undefined;
      const handle = await open(file, 'wx', 0o600);
      try {
        const hash = contentHash();
        for await (const data of this.#chunks(connection, info)) {
          hash.update(data);
          await handle.writeFile(data);
        }
        await handle.sync();
        return contentDigest(hash) === info.digest ? storedObject(info) : undefined;
      } finally {
        await handle.close();
      }
    });
  }

  /**
   * Lists the objects, and removes what interrupted writes have left.
   *
   * @throws BusUnavailableError at once when NATS is away, or its bucket does not answer
   */
  list(): Promise<StoredObject[]> {
    return this.#use(async (connection) => {
      const infos: ObjectInfo[] = [];
      const subject = infoSubject(this.name, '>');
      for await (const { data } of this.#messages(connection, subject)) {
        const info = parseObjectInfo(data);
        if (info !== undefined) infos.push(info);
      }
      await this.#removeAbandoned(connection, new Set(infos.map(({ nuid }) => nuid)));
      return infos.map(storedObject);
    }, 0);
  }

  /**
   * Removes an object; nothing happens when there is none.
   *
   * @throws BusUnavailableError at once when NATS is away, or its bucket does not answer
   */
  remove(name: string): Promise<void> {
    return this.#use(async (connection) => {
      const info = await this.#find(connection, name);
      // Whoever reads it meanwhile finds none, and no half.
      await this.#purge(connection, infoSubject(this.name, objectToken(name)));
      if (info !== undefined) await this.#purge(connection, chunkSubject(this.name, info.nuid));
    }, 0);
  }

  async #use<T>(work: (connection: BusConnection) => Promise<T>, waitMs = readyMs): Promise<T> {
    const connection = await this.#connection(waitMs);
    try {
      return await work(connection);
    } catch (cause) {
      const message = `the bucket '${this.name}' of NATS cannot be used: ${why(cause)}`;
      throw new BusUnavailableError(message, { cause });
    }
  }

  async #connection(waitMs: number): Promise<BusConnection> {
    const { ready, lastError = 'not connected yet' } = this.#bus.status();
    const message = `NATS is not ready: ${lastError}; check --nats-url and the server`;
    if (!ready && waitMs === 0) throw new BusUnavailableError(message);
    const patience = AbortSignal.timeout(waitMs || readyMs);
    return this.#bus.ready(patience).catch((cause: unknown) => {
      throw new BusUnavailableError(message, { cause });
    });
  }

  async #find({ manager }: BusConnection, name: string): Promise<ObjectInfo | undefined> {
    const subject = infoSubject(this.name, objectToken(name));
    const found = await manager.direct.getMessage(this.#stream, { last_by_subj: subject });
    return found === null ? undefined : parseObjectInfo(found.data);
  }

  async #write(
    { nats, jetstream }: BusConnection,
    { name, id, file }: { name: string; id: string; file: string },
  ): Promise<void> {
    const { mtime } = await stat(file);
    const hash = contentHash();
    const highWaterMark = Math.min(chunkBytes, nats.info?.max_payload ?? chunkBytes);
    let [size, chunks] = [0, 0];
    for await (const data of createReadStream(file, { highWaterMark })) {
      hash.update(data);
      size += data.length;
      chunks++;
      const options = { timeout: acknowledgeMs };
      await jetstream.publish(chunkSubject(this.name, id), data, options);
    }
    const digest = contentDigest(hash);
    const info: ObjectInfo = { name, nuid: id, size, chunks, digest, mtime: mtime.toISOString() };
    const rollup = headers();
    // Of what was said of the name before, nothing stays.
    rollup.set('Nats-Rollup', 'sub');
    const options = { headers: rollup, timeout: acknowledgeMs };
    const described = JSON.stringify({
      ...info,
      bucket: this.name,
      options: { max_chunk_size: highWaterMark },
    });
    await jetstream.publish(infoSubject(this.name, objectToken(name)), described, options);
  }

  async *#chunks(connection: BusConnection, { nuid, chunks }: ObjectInfo) {
    let left = chunks;
    if (left === 0) return;
    for await (const { data } of this.#messages(connection, chunkSubject(this.name, nuid))) {
      yield data;
      if (--left === 0) return;
    }
  }

  async *#messages({ manager }: BusConnection, subject: string) {
    for (let seq = 1; ; ) {
      const found = await manager.direct.getMessage(this.#stream, { seq, next_by_subj: subject });
      if (found === null) return;
      yield found;
      seq = found.seq + 1;
    }
  }

  /** Another controller may be writing an object just now: what is young stays. */
  async #removeAbandoned(connection: BusConnection, known: ReadonlySet<string>): Promise<void> {
    const { manager } = connection;
    const { state } = await manager.streams.info(this.#stream, {
      subjects_filter: chunkSubject(this.name, '>'),
    });
    for (const subject of Object.keys(state.subjects ?? {})) {
      if (known.has(subject.slice(subject.lastIndexOf('.') + 1))) continue;
      const last = await manager.direct.getMessage(this.#stream, { last_by_subj: subject });
      const age = this.#clock.now() - (last?.time.getTime() ?? Number.POSITIVE_INFINITY);
      if (age > abandonedMs) await this.#purge(connection, subject);
    }
  }

  async #purge({ manager }: BusConnection, filter: string): Promise<void> {
    await manager.streams.purge(this.#stream, { filter });
  }
}

function storedObject({ name, mtime, size: bytes }: ObjectInfo): StoredObject {
  return { name, storedAt: Date.parse(mtime), bytes };
}

function why(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof NoRespondersError) {
      return 'it is not there; notification-controller makes it with --nats-artifacts-max-size';
    }
  }
  const text = errorMessage(error);
  return isStreamFull(error)
    ? `${text}; raise --nats-artifacts-max-size of notification-controller`
    : text;
}
