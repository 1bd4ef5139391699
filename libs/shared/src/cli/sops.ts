import { mkdtemp } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { FairSlots, parseYamlStream, RetryableError, YamlError } from '@sluice/shared/base';
import { DataKeyAnswers, type OpenDataKey } from './data-key-answers.ts';
import { createHome } from './home.ts';
import { type RunResult, runCommand } from './run.ts';
import { SopsError, type SopsFile } from './sops-file.ts';
import type { RunCommand } from './spawner.ts';

/** Limit of a decrypted file, in bytes of its base64 form. */
const maxOutput = 16 * 1024 * 1024;

/** Largest encrypted file in bytes, as in Flux. */
const maxBytes = 5 * 1024 * 1024;

/** Longest path of a directory for sockets: the paths of these may have 104 bytes. */
const maxSocketRoom = 64;

/** Reasons that a message names. */
const maxReasons = 5;

/** Exit codes of sops. */
const exitCodes = {
  macUndecryptable: 24,
  valueUndecryptable: 25,
  macMismatch: 51,
  noMac: 52,
  noKey: 128,
};

/** The sops program. */
export interface Sops {
  /**
   * Decrypts a file and checks its message authentication code. The program has no key service but the one that we
   * are, on a socket of its own: it asks `open` for each key that the file names, and nobody else. While a service takes
   * long it does not run, and is run again with the answer.
   *
   * @returns the content as it was before the encryption
   * @throws SopsError when the file is larger than 5 MiB, no key opens it, or it was changed after its encryption
   * @throws what `open` throws that is no DataKeyError
   * @throws RetryableError BuildFailed when it takes longer than `timeoutMs`
   * @throws CommandError when the program is missing, stopped, or writes more than 12 MiB
   * @throws the signal's reason when it aborts before there is a free slot
   */
  decrypt(file: SopsFile, o: SopsOptions): Promise<Buffer>;
}

/** One decryption. */
export interface SopsOptions {
  open: OpenDataKey;
  /** Whose share of the slots it takes, such as a namespace. */
  share: string;
  timeoutMs: number;
  signal?: AbortSignal;
}

/** How to run sops. */
export interface CreateSopsOptions {
  /** Name or path of the program. */
  binary: string;
  /** Where an empty home directory is made. */
  tempDir: string;
  /** How the program is started; by this process itself when not given. */
  runCommand?: RunCommand;
}

/**
 * A second line, should the program find another key service than ours: a proxy that nobody serves, and no instance
 * metadata.
 */
const offline = {
  HTTP_PROXY: 'http://127.0.0.1:9',
  HTTPS_PROXY: 'http://127.0.0.1:9',
  AWS_EC2_METADATA_DISABLED: 'true',
};

function unreadable({ name, format }: SopsFile, code = ''): SopsError {
  return new SopsError(
    `'${name}' is no valid sops file of format ${format}${code}: run sops decrypt on it`,
  );
}

/** Refuses what would cost the program too much: it follows aliases without a limit. */
function checkFile(file: SopsFile): void {
  if (file.content.length > maxBytes) {
    throw new SopsError(
      `'${file.name}' is larger than ${maxBytes} bytes: encrypted files may not be`,
    );
  }
  if (file.format !== 'yaml') return;
  try {
    parseYamlStream(file.content.toString('utf8'), file.name);
  } catch (error) {
    if (error instanceof YamlError) throw unreadable(file);
    throw error;
  }
}

function whyNoKey(refusals: readonly string[]): string {
  if (refusals.length === 0) return 'it is encrypted for no key at all; encrypt it with sops';
  const different = [...new Set(refusals)];
  const more = different.length - maxReasons;
  const shown = different.slice(0, maxReasons);
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

interface Ran {
  result: RunResult;
  refusals: readonly string[];
  failure: unknown;
}

function tookTooLong({ name }: SopsFile, timeoutMs: number): RetryableError {
  return new RetryableError(
    'BuildFailed',
    `decrypting '${name}' took longer than ${timeoutMs} ms: raise spec.timeout`,
  );
}

function check({ result, refusals }: Ran, file: SopsFile, timeoutMs: number): Buffer {
  if (result.timedOut) throw tookTooLong(file, timeoutMs);
  switch (result.exitCode) {
    case 0:
      return Buffer.from(result.stdout, 'base64');
    case exitCodes.noKey:
      throw new SopsError(`'${file.name}' cannot be decrypted: ${whyNoKey(refusals)}`);
    case exitCodes.macMismatch:
    case exitCodes.noMac:
    case exitCodes.macUndecryptable:
      throw new SopsError(
        `'${file.name}' was changed after it was encrypted, its MAC does not match: encrypt it again with sops`,
      );
    case exitCodes.valueUndecryptable:
      throw new SopsError(
        `'${file.name}' holds a value that cannot be decrypted: it was changed, moved or renamed after the encryption; encrypt it again with sops`,
      );
    default:
      // What sops prints may quote the file.
      throw unreadable(file, ` (sops ended with ${result.exitCode})`);
  }
}

/** Where the program lives, and where its sockets are: a directory that nobody else may enter. */
async function createRooms(tempDir: string): Promise<{ home: string; sockets: string }> {
  const home = await createHome(tempDir);
  const isShort = Buffer.byteLength(tempDir) <= maxSocketRoom;
  return { home, sockets: await mkdtemp(join(isShort ? tempDir : tmpdir(), 'keys-')) };
}

/** Where and how one run goes. */
interface Place {
  o: CreateSopsOptions;
  home: string;
  socket: string;
}

/** Runs the program once. */
async function runOnce(
  { o, home: HOME, socket }: Place,
  file: SopsFile,
  call: { answers: DataKeyAnswers; timeoutMs: number; signal: AbortSignal | undefined },
): Promise<Ran> {
  const { serveKeys } = await import('./key-service.ts');
  const keys = await serveKeys(socket, call.answers);
  const { format } = file;
  const only = ['--enable-local-keyservice=false', `--keyservice=unix://${socket}`];
  try {
    const result = await (o.runCommand ?? runCommand)({
      file: o.binary,
      args: ['decrypt', ...only, `--input-type=${format}`, `--output-type=${format}`],
      input: file.content,
      cwd: HOME,
      env: { ...offline, HOME, TMPDIR: HOME },
      timeoutMs: call.timeoutMs,
      maxOutputBytes: maxOutput,
      outputEncoding: 'base64',
      signal: call.signal,
    });
    const { refusals, failure } = keys;
    return { result, refusals, failure };
  } finally {
    await keys.close();
  }
}

/**
 * Creates the door to the sops program; decryptions wait for a free processor, one share never for all of them. None is
 * kept from others while services are waited for.
 */
export function createSops(o: CreateSopsOptions): Sops {
  const slots = FairSlots.withOneSpare(availableParallelism());
  let rooms: ReturnType<typeof createRooms> | undefined;
  let sockets = 0;
  const placeOf = async (): Promise<Place> => {
    rooms ??= createRooms(o.tempDir);
    const { home, sockets: room } = await rooms;
    return { o, home, socket: join(room, String(sockets++)) };
  };
  const decrypt = async (file: SopsFile, call: SopsOptions): Promise<Buffer> => {
    const { share, timeoutMs, signal } = call;
    await slots.run(share, async () => checkFile(file), signal);
    const answers = new DataKeyAnswers(call);
    let leftMs = timeoutMs;
    const timed = async <T>(work: () => Promise<T>): Promise<T> => {
      const startedAt = performance.now();
      const value = await work();
      leftMs -= performance.now() - startedAt;
      if (leftMs <= 0) throw tookTooLong(file, timeoutMs);
      return value;
    };
    for (;;) {
      const run = async () => {
        const place = await placeOf();
        return timed(() => runOnce(place, file, { answers, timeoutMs: leftMs, signal }));
      };
      const ran = await slots.run(share, run, signal);
      if (ran.result.exitCode !== exitCodes.noKey) return check(ran, file, timeoutMs);
      if (ran.failure !== undefined) throw ran.failure;
      if (!answers.isWaiting) return check(ran, file, timeoutMs);
      await timed(() => answers.wait());
    }
  };
  return { decrypt };
}
