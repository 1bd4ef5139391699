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
 * The cosign program can be told to sign with them.
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
      ({ status, headers, body }) => {
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
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

const certificatePath = '/api/v2/signingCert';

async function answer(handler: Handler | undefined, request: IncomingMessage) {
  if (handler === undefined) return { status: 404, headers: {}, body: '{}' };
  const isCertificate = handler.path === certificatePath;
  const asked = await text(request);
  const body = isCertificate
    ? withToken(asked, request.headers.authorization)
    : JSON.stringify(asLogged(JSON.parse(asked) as LogEntry));
  const { statusCode, response } = await handler.fn(body);
  const said = String(response);
  if (statusCode >= 300) return { status: statusCode, headers: {}, body: said };
  // The client of a log finds its entry by this header; the authority's accepts nothing but 200.
  if (isCertificate) return { status: 200, headers: {}, body: said };
  const [id = ''] = Object.keys(JSON.parse(said) as object);
  return { status: statusCode, headers: { etag: id }, body: said };
}

/** Clients in Go show the token in a header, those in JavaScript in the body. */
function withToken(body: string, authorization = ''): string {
  const [, token] = /^Bearer (.+)$/.exec(authorization) ?? [];
  if (token === undefined) return body;
  const credentials = { oidcIdentityToken: token };
  return JSON.stringify({ ...(JSON.parse(body) as object), credentials });
}

interface LogEntry {
  kind: string;
  spec: { proposedContent?: { envelope: string; verifiers: string[] } };
}

/** A log keeps digests of an envelope that it was shown. */
function asLogged(entry: LogEntry): object {
  const { proposedContent } = entry.spec;
  if (entry.kind !== 'dsse' || proposedContent === undefined) return entry;
  const { envelope, verifiers } = proposedContent;
  const { payload, signatures } = JSON.parse(envelope) as {
    payload: string;
    signatures: { sig: string }[];
  };
  const hashOf = (data: string | Uint8Array) => ({
    algorithm: 'sha256',
    value: createHash('sha256').update(data).digest('hex'),
  });
  const spec = {
    envelopeHash: hashOf(envelope),
    payloadHash: hashOf(Buffer.from(payload, 'base64')),
    signatures: signatures.map(({ sig }, index) => ({
      signature: sig,
      verifier: verifiers[index],
    })),
  };
  return { ...entry, spec };
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
