import {
  type Clock,
  errorMessage,
  FairSlots,
  LruBytes,
  RetryableError,
  redactUrl,
  SingleFlight,
} from '@sluice/shared/base';
import { createDispatcher, getFile, type NetworkGuard, refusalIn } from '@sluice/shared/net';

/** Fetches what the schemas of one rendering refer to by address. */
export interface SchemaDocuments {
  /**
   * Returns the text of a document.
   *
   * @throws SchemaRefusedError when it never can be had
   * @throws RetryableError ArtifactFailed that names the address when its server does not give it now
   */
  fetch(address: string, signal: AbortSignal): Promise<string>;
}

/** The door to documents that schemas of values refer to. It is the only way by which a rendering reaches the network. */
export interface RemoteSchemas {
  /**
   * Starts to count for one rendering.
   *
   * @param share of the connections it takes, such as its namespace
   */
  forRendering(share: string): SchemaDocuments;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** A reference that is not followed; the message continues a sentence about it. */
export class SchemaRefusedError extends Error {
  override name = 'SchemaRefusedError';
}

/** Limits of remote schemas. */
export interface RemoteSchemasLimits {
  /** Documents of one rendering. */
  maxDocuments: number;
  /** Bytes of one document. */
  maxDocumentBytes: number;
  /** Bytes of all documents that are kept. */
  cacheBytes: number;
  /** Milliseconds for which they are. */
  cacheMs: number;
  /** Milliseconds for one document. */
  timeoutMs: number;
}

const mebibyte = 2 ** 20;
const defaultLimits: RemoteSchemasLimits = {
  maxDocuments: 32,
  // The definitions of all kinds of Kubernetes take 2 MiB.
  maxDocumentBytes: 4 * mebibyte,
  cacheBytes: 32 * mebibyte,
  cacheMs: 10 * 60_000,
  // As Helm's.
  timeoutMs: 15_000,
};
const connectTimeoutMs = 10_000;
const slots = { total: 16, perShare: 4 };

/** The door when addresses are not followed. */
export const noRemoteSchemas: RemoteSchemas = {
  forRendering: () => ({
    fetch: () =>
      Promise.reject(new SchemaRefusedError('which --no-remote-schemas forbids to read')),
  }),
  close: () => Promise.resolve(),
};

interface Kept {
  text: string;
  /** Milliseconds since the epoch. */
  until: number;
}

/** Makes the door to remote schemas, with the guard before it. */
export function createRemoteSchemas(
  guard: NetworkGuard,
  clock: Clock,
  limits: Partial<RemoteSchemasLimits> = {},
): RemoteSchemas {
  const l = { ...defaultLimits, ...limits };
  const dispatcher = createDispatcher({ guard, connectTimeoutMs });
  const fair = new FairSlots(slots);
  const kept = new LruBytes<Kept>(l.cacheBytes);
  const flights = new SingleFlight<string>();
  const userAgent = 'helm-controller';
  const load = async (url: URL): Promise<string> => {
    const signal = AbortSignal.timeout(l.timeoutMs);
    const maxBytes = l.maxDocumentBytes;
    const content = await getFile(url, { dispatcher, signal, maxBytes, userAgent });
    const text = content.toString('utf8');
    kept.set(url.href, { text, until: clock.now() + l.cacheMs }, 2 * content.length);
    return text;
  };
  return {
    forRendering(share) {
      const asked = new Set<string>();
      return {
        async fetch(address, signal) {
          const url = urlOf(address);
          asked.add(url.href);
          if (asked.size > l.maxDocuments) {
            throw new SchemaRefusedError(`after ${l.maxDocuments} others, the most of a chart`);
          }
          const known = kept.get(url.href);
          if (known !== undefined && known.until > clock.now()) return known.text;
          try {
            const run = () => flights.run(url.href, () => load(url));
            return await fair.run(share, run, signal);
          } catch (error) {
            signal.throwIfAborted();
            throw failure(url, error, l);
          }
        },
      };
    },
    close: () => dispatcher.destroy(),
  };
}

function urlOf(address: string): URL {
  const url = URL.parse(address);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new SchemaRefusedError('which is no http:// or https:// address');
  }
  if (url.username !== '' || url.password !== '') {
    throw new SchemaRefusedError('whose login is not sent');
  }
  url.hash = '';
  return url;
}

function failure(url: URL, error: unknown, l: RemoteSchemasLimits): Error {
  const refusal = refusalIn(error);
  if (refusal !== undefined) return new SchemaRefusedError(`whose ${refusal.message}`);
  const isLate = error instanceof Error && error.name === 'TimeoutError';
  const why = isLate ? `no answer within ${l.timeoutMs} ms` : errorMessage(error);
  return new RetryableError(
    'ArtifactFailed',
    `the chart's values.schema.json refers to ${redactUrl(url.href)}, which cannot be read: ${why}; set disableSchemaValidation in spec.install and spec.upgrade to do without`,
    { cause: error },
  );
}
