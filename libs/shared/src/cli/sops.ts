import { availableParallelism } from 'node:os';
import { FairSlots, RetryableError } from '@sluice/shared/base';
import { createHome } from './home.ts';
import { type RunResult, runCommand } from './run.ts';
import { SopsError, type SopsFile } from './sops-file.ts';
import { ageOnly } from './sops-metadata.ts';
import type { RunCommand } from './spawner.ts';

/** Limit of a decrypted file, in bytes of its base64 form. */
const maxOutput = 16 * 1024 * 1024;

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
   * Decrypts a file and checks its message authentication code. No key service is asked: the age keys given are the
   * only ones that count, and a file that needs others is refused before the program runs.
   *
   * @returns the content as it was before the encryption
   * @throws SopsError when the file needs other keys than age's, is larger than 5 MiB, no key fits, or the file was changed after its encryption
   * @throws RetryableError BuildFailed when it takes longer than `timeoutMs`
   * @throws CommandError when the program is missing, stopped, or writes more than 12 MiB
   * @throws the signal's reason when it aborts before there is a free slot
   */
  decrypt(file: SopsFile, o: SopsOptions): Promise<Buffer>;
}

/** One decryption. */
export interface SopsOptions {
  /** age identities, one a line. */
  ageKeys: string;
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
 * A second line, should the program find a key service where {@link ageOnly} saw none: a proxy that nobody serves,
 * and no instance metadata.
 */
const offline = {
  HTTP_PROXY: 'http://127.0.0.1:9',
  HTTPS_PROXY: 'http://127.0.0.1:9',
  AWS_EC2_METADATA_DISABLED: 'true',
  SOPS_DECRYPTION_ORDER: 'age',
};

function recipientsOf({ content }: SopsFile): string {
  const found = new Set(content.toString('latin1').match(/\bage1[0-9a-z]{20,}/g) ?? []);
  return found.size === 0 ? 'no age key at all' : [...found].slice(0, 5).join(', ');
}

function check(result: RunResult, file: SopsFile, timeoutMs: number): Buffer {
  if (result.timedOut) {
    throw new RetryableError(
      'BuildFailed',
      `decrypting '${file.name}' took longer than ${timeoutMs} ms: raise spec.timeout`,
    );
  }
  switch (result.exitCode) {
    case 0:
      return Buffer.from(result.stdout, 'base64');
    case exitCodes.noKey:
      throw new SopsError(
        `'${file.name}' cannot be decrypted with the age keys at hand: it is encrypted for ${recipientsOf(file)}`,
      );
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
      throw new SopsError(
        `'${file.name}' is no valid sops file of format ${file.format} (sops ended with ${result.exitCode}): run sops decrypt on it`,
      );
  }
}

/** Creates the door to the sops program; decryptions wait for a free processor, one share never for all of them. */
export function createSops(o: CreateSopsOptions): Sops {
  const slots = FairSlots.withOneSpare(availableParallelism());
  let home: Promise<string> | undefined;
  return {
    decrypt(file, { ageKeys, share, timeoutMs, signal }) {
      const run = async () => {
        const input = ageOnly(file);
        home ??= createHome(o.tempDir);
        const HOME = await home;
        const { format } = file;
        const result = await (o.runCommand ?? runCommand)({
          file: o.binary,
          args: ['decrypt', `--input-type=${format}`, `--output-type=${format}`],
          input,
          cwd: HOME,
          env: { ...offline, HOME, TMPDIR: HOME, SOPS_AGE_KEY: ageKeys },
          timeoutMs,
          maxOutputBytes: maxOutput,
          outputEncoding: 'base64',
          signal,
        });
        return check(result, file, timeoutMs);
      };
      return slots.run(share, run, signal);
    },
  };
}
