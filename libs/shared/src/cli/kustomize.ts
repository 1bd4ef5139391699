import { RetryableError } from '@sluice/shared/base';
import { createProgramPool, type PoolCall } from './program-pool.ts';
import { ProgramError } from './program-worker.ts';
import { CommandError } from './run.ts';

/** Limits of one build: the memory of the process, and the size of what it answers, in bytes. */
const maxRssBytes = 384 * 1024 * 1024;
const maxOutputBytes = 64 * 1024 * 1024;

/** What is put into the kustomization file of the directory to build, as its fields of the same names. */
export interface KustomizeSpec {
  namespace?: string;
  namePrefix?: string;
  nameSuffix?: string;
  patches?: unknown[];
  images?: unknown[];
  buildMetadata?: unknown[];
  components?: string[];
  ignoreMissingComponents?: boolean;
}

/** What to build. */
export interface KustomizeInput {
  /** Absolute path of the only directory that is read; without it, there are only `files`. */
  root?: string;
  /** The directory to build, from the root. */
  dir: string;
  /** Contents that are read instead of the files of those paths, or besides them. */
  files?: Record<string, string>;
  /** Without it, there has to be a kustomization file. */
  spec?: KustomizeSpec;
}

/** A file that sops may have encrypted. */
export interface EncryptedFile {
  /** From the root. */
  path: string;
  /** Whether it holds objects or patches, is a file of a Secret generator, or one whose lines become its values. */
  role: 'objects' | 'secretFile' | 'envFile';
  content: Buffer;
}

/** How to carry out one build. */
export interface KustomizeCall {
  timeoutMs: number;
  /** Whose share of the processes it takes: the namespace of the tenant. */
  share: string;
  signal?: AbortSignal;
  /** Fetches what a reference to HTTP names; without it such references are refused. */
  fetch?(url: string): Promise<Buffer>;
  /** Returns what is read instead of the files that are encrypted; without it, all are read as they are. */
  decrypt?(files: EncryptedFile[]): Promise<ReadonlyMap<string, Buffer | string>>;
}

/** What was built. */
export interface KustomizeOutput {
  /** In the order of kustomize. */
  objects: unknown[];
  /** Size of the objects as JSON. */
  bytes: number;
  /** There is neither a kustomization file nor any manifest. */
  noManifests: boolean;
  /** Every path that was looked at with what was there, for {@link Kustomize.isSame}. */
  seen: string;
  /** Something was fetched, of which `seen` knows nothing. */
  remote: boolean;
  /** Says what is built, but hardly meant, such as a field that is given twice. */
  warnings?: string[];
}

/** The door to the program that builds kustomizations. */
export interface Kustomize {
  /**
   * Builds a directory. Nothing outside of its root is read, nothing is written, and no connection is made.
   *
   * @throws KustomizeError when the input is refused; its message holds no content of files
   * @throws RetryableError BuildFailed when a limit of time, memory or output is exceeded
   * @throws CommandError when the program is missing or stopped
   * @throws what `fetch` or `decrypt` threw
   */
  build(input: KustomizeInput, o: KustomizeCall): Promise<KustomizeOutput>;
  /** As build, but returns the text that `kustomize build` prints. */
  buildText(input: KustomizeInput, o: KustomizeCall): Promise<string>;
  /** Tells whether a directory still holds all that a build has looked at, as it was then. */
  isSame(root: string, seen: string, o: KustomizeCall): Promise<boolean>;
  /** The version of kustomize, such as `v0.21.1` of its packages; part of the key of cached builds. */
  version(): Promise<string>;
  /** Ends the processes. */
  close(): Promise<void>;
}

/** A build that was refused. */
export class KustomizeError extends Error {
  override name = 'KustomizeError';
  /** `path`: there is no such directory; `spec`: no other source helps; else `build`. */
  readonly kind: string;
  constructor(message: string, kind: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** How to run the program. */
export interface KustomizeOptions {
  /** Name or path of the program. */
  binary: string;
  /** Builds of one share at a time; as many as there are processors when not given. */
  concurrency?: number;
}

function describe(error: unknown, { timeoutMs }: KustomizeCall): unknown {
  if (error instanceof ProgramError) {
    if (error.kind === 'host' && error.cause !== undefined) return error.cause;
    return new KustomizeError(error.message, error.kind, { cause: error });
  }
  if (!(error instanceof CommandError)) return error;
  const mebibytes = (bytes: number) => `${bytes / 1024 / 1024} MiB`;
  const why: Partial<Record<CommandError['code'], string>> = {
    'timed-out': `took longer than ${timeoutMs} ms: raise spec.timeout or build less`,
    'memory-limit': `took more than ${mebibytes(maxRssBytes)} of memory: split it into several Kustomizations`,
    'output-limit': `yields more than ${mebibytes(maxOutputBytes)}: split it into several Kustomizations`,
    failed: 'ended the builder, which kustomize does on some broken input: undo the last change',
  };
  const text = why[error.code];
  return text === undefined
    ? error
    : new RetryableError('BuildFailed', `kustomize build ${text}`, { cause: error });
}

function questionsOf({ fetch: fetchRemote, decrypt }: KustomizeCall): PoolCall['onQuestion'] {
  return async (method, params) => {
    if (method === 'fetch' && fetchRemote !== undefined) {
      const content = await fetchRemote((params as { url: string }).url);
      return { content: content.toString('base64') };
    }
    if (method !== 'decrypt' || decrypt === undefined) throw new Error(`nobody answers ${method}`);
    const { files } = params as { files: (Omit<EncryptedFile, 'content'> & { content: string })[] };
    const plain = await decrypt(
      files.map((file) => ({ ...file, content: Buffer.from(file.content, 'base64') })),
    );
    const answer = [...plain].map(([path, content]) => ({
      path,
      content: Buffer.from(content).toString('base64'),
    }));
    return { files: answer };
  };
}

/** Creates the door; its processes start with the builds. */
export function createKustomize({ binary, concurrency }: KustomizeOptions): Kustomize {
  const pool = createProgramPool({
    name: 'kustomize-builder',
    file: binary,
    size: concurrency,
    maxRssBytes,
    maxOutputBytes,
  });
  const call = async <T>(request: object, o: KustomizeCall): Promise<T> => {
    const { timeoutMs, share, signal } = o;
    const doors = { remoteBases: o.fetch !== undefined, decrypt: o.decrypt !== undefined };
    try {
      return await pool.call<T>(
        { ...request, ...doors },
        { timeoutMs, share, signal, onQuestion: questionsOf(o) },
      );
    } catch (error) {
      throw describe(error, o);
    }
  };
  return {
    build: call,
    buildText: async (input, o) =>
      (await call<{ yaml?: string }>({ ...input, yaml: true }, o)).yaml ?? '',
    isSame: async (root, seen, o) => (await call<{ same: boolean }>({ root, seen }, o)).same,
    version: () => pool.version(),
    close: () => pool.close(),
  };
}
