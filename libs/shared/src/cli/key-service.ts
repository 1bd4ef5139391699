import { type GrpcServer, serveGrpc } from './grpc-server.ts';
import { DataKeyError } from './sops-file.ts';
import { type DataKeyRequest, readDataKeyRequest, type SopsKey, writeDataKey } from './sops-key.ts';

/**
 * Opens the data key of a file, or a share of it.
 *
 * @throws DataKeyError when it cannot be had with that key
 */
export type OpenDataKey = (request: DataKeyRequest, signal: AbortSignal) => Promise<Uint8Array>;

/** Keys of one file that are asked for; each may cost work. */
const maxKeys = 500;
/** Of those, keys that a service in the network has. */
const maxServiceKeys = 50;
/** For all services that one file names, together. */
const maxServiceMs = 60_000;

const local: readonly SopsKey['kind'][] = ['age', 'pgp'];

/** The key service of one run of sops, which is the only one that the program has. */
export interface KeyService extends GrpcServer {
  /** Why data keys could not be had, in the order in which they were asked for. */
  readonly refusals: readonly string[];
  /** What went wrong otherwise. */
  readonly failure: unknown;
}

/** Serves data keys on a socket, within the limits of one file. */
export async function serveKeys(
  socket: string,
  open: OpenDataKey,
  signal: AbortSignal | undefined,
): Promise<KeyService> {
  const refusals: string[] = [];
  let failure: unknown;
  const budget = new KeyBudget(signal);
  const server = await serveGrpc(socket, {
    async '/KeyService/Decrypt'(message) {
      try {
        const request = readDataKeyRequest(message);
        if (request === undefined) throw new DataKeyError('a key of an unknown kind');
        return writeDataKey(await open(request, budget.take(request.key)));
      } catch (error) {
        if (error instanceof DataKeyError) refusals.push(error.message);
        else failure ??= error;
        throw error;
      }
    },
  });
  return {
    refusals,
    get failure() {
      return failure;
    },
    close: () => server.close(),
  };
}

/** What one file may ask for. */
class KeyBudget {
  #keys = 0;
  #serviceKeys = 0;
  #services: AbortSignal | undefined;
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal ?? new AbortController().signal;
  }

  /** @returns until when the key may be waited for */
  take({ kind }: SopsKey): AbortSignal {
    if (++this.#keys > maxKeys) {
      throw new DataKeyError(`more than ${maxKeys} keys are named: encrypt it for fewer`);
    }
    if (local.includes(kind)) return this.#signal;
    if (++this.#serviceKeys > maxServiceKeys) {
      throw new DataKeyError(
        `more than ${maxServiceKeys} keys of services are named: encrypt it for fewer`,
      );
    }
    this.#services ??= AbortSignal.any([this.#signal, AbortSignal.timeout(maxServiceMs)]);
    return this.#services;
  }
}
