import { createHash, generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { closeServer, listenOnLoopback } from './http-auth.ts';

/** Sigstore's services on the loopback address: certificates, the log of certificates, and the log of signatures. */
export interface Sigstore {
  url: string;
  /** The `trusted_root.json` of these services. */
  trustedRoot: string;
  /** The same, of an authority that stopped in the past. */
  endedRoot: string;
  stop(): Promise<void>;
}

interface Handler {
  path: string;
  fn(body: string): Promise<{
    statusCode: number;
    response: string | ArrayBufferView;
    contentType?: string;
  }>;
}

/**
 * Starts the services with keys of their own. They issue certificates for whatever a token says, without checking it.
 *
 * @see https://github.com/sigstore/sigstore-js/tree/main/packages/mock
 */
export async function startSigstore(): Promise<Sigstore> {
  // Its parts, not the whole, which would take over the HTTP client of the process.
  const [{ fulcioHandler, initializeCA, initializeCTLog }, { initializeTLog, rekorHandler }] =
    await Promise.all([
      import('@sigstore/mock/dist/fulcio/index.js'),
      import('@sigstore/mock/dist/rekor/index.js'),
    ]);
  const keyPair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const ctlog = await initializeCTLog(keyPair);
  const ca = await initializeCA(keyPair, ctlog);
  const handlers: Handler[] = [];
  const server = createServer((request, response) => {
    const handler = handlers.find(({ path }) => path === request.url);
    answer(handler, request).then(
      ({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(body);
      },
      (error: unknown) => response.destroy(error as Error),
    );
  });
  const url = `http://127.0.0.1:${await listenOnLoopback(server)}`;
  const tlog = await initializeTLog(url, keyPair);
  handlers.push(fulcioHandler(ca, { subjectClaim: 'email' }), rekorHandler(tlog));
  const rootOf = (end?: string) =>
    JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      certificateAuthorities: [
        {
          subject: { commonName: 'sigstore', organization: 'sigstore.mock' },
          uri: url,
          certChain: { certificates: [{ rawBytes: base64(ca.rootCertificate) }] },
          validFor: { start, ...(end !== undefined && { end }) },
        },
      ],
      ctlogs: [logOf(ctlog.publicKey, url)],
      tlogs: [logOf(tlog.publicKey, url)],
      timestampAuthorities: [],
    });
  return {
    url,
    trustedRoot: rootOf(),
    endedRoot: rootOf('2020-01-02T00:00:00Z'),
    stop: () => closeServer(server),
  };
}

const start = '2020-01-01T00:00:00Z';

async function answer(handler: Handler | undefined, request: IncomingMessage) {
  if (handler === undefined) return { status: 404, body: '{}' };
  const { statusCode, response } = await handler.fn(await text(request));
  return { status: statusCode, body: response as string };
}

function logOf(publicKey: Buffer, url: string) {
  return {
    baseUrl: url,
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      rawBytes: base64(publicKey),
      keyDetails: 'PKIX_ECDSA_P256_SHA_256',
      validFor: { start },
    },
    logId: { keyId: createHash('sha256').update(publicKey).digest('base64') },
  };
}

function base64(bytes: ArrayBufferView): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
