import { type DataKeyAnswers, LaterError } from './data-key-answers.ts';
import { type GrpcServer, serveGrpc } from './grpc-server.ts';
import { DataKeyError } from './sops-file.ts';
import { readDataKeyRequest, writeDataKey } from './sops-key.ts';

/** The key service of one run of sops, which is the only one that the program has. */
export interface KeyService extends GrpcServer {
  /** Why data keys could not be had, in the order in which they were asked for. */
  readonly refusals: readonly string[];
  /** What went wrong otherwise. */
  readonly failure: unknown;
}

/** Serves data keys on a socket. */
export async function serveKeys(socket: string, answers: DataKeyAnswers): Promise<KeyService> {
  const refusals: string[] = [];
  let failure: unknown;
  const server = await serveGrpc(socket, {
    async '/KeyService/Decrypt'(message) {
      try {
        const request = readDataKeyRequest(message);
        if (request === undefined) throw new DataKeyError('a key of an unknown kind');
        return writeDataKey(await answers.answer(request));
      } catch (error) {
        if (error instanceof DataKeyError) refusals.push(error.message);
        else if (!(error instanceof LaterError)) failure ??= error;
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
