import { errorMessage, FairSlots, redactUrl } from '@sluice/shared/base';
import {
  createDispatcher,
  type Dispatcher,
  getFile,
  type NetworkGuard,
  refusalIn,
} from '@sluice/shared/net';
import { buildFailed } from './errors.ts';

/** Fetches the files that the kustomization files of one build name by URL. */
export interface RemoteFiles {
  /**
   * Fetches a file; each is fetched once a build.
   *
   * @param reference as it stands in a kustomization file
   * @throws RetryableError BuildFailed that names the reference and the fix; the signal's reason
   */
  fetch(reference: string, signal: AbortSignal): Promise<Buffer>;
}

/** The door to remote files. It is the only way by which a build reaches the network. */
export interface RemoteBases {
  /**
   * Starts to count for one build.
   *
   * @param share of the connections it takes, such as its namespace
   */
  forBuild(share: string): RemoteFiles;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** Limits of remote files. */
export interface RemoteBasesLimits {
  /** Files of one build. */
  maxFiles: number;
  /** Bytes of one file. */
  maxFileBytes: number;
  /** Milliseconds for one file. */
  timeoutMs: number;
}

const defaultLimits: RemoteBasesLimits = {
  maxFiles: 32,
  maxFileBytes: 5 * 1024 * 1024,
  timeoutMs: 30_000,
};
const connectTimeoutMs = 10_000;
const slots = { total: 16, perShare: 4 };

/** Forms that kustomize takes for Git repositories, besides files that are web pages. */
const gitForms = [
  /^(?:git::|ssh:|git:|gh:|git@|github\.com[:/])/i,
  /^[a-zA-Z][a-zA-Z0-9-]*@[^/]*[:/]/,
  /\.git(?:[/?]|$)/,
  /\/_git\//,
  /^https?:\/\/[^/]+\/[^?]*\/\//i,
  /[?&](?:ref|version|submodules)=/,
];

const gitFix =
  'make it a GitRepository and name that in spec.include of the source, or add the files to the source';

/** Makes the door to remote files, with the guard before it. */
export function createRemoteBases(
  guard: NetworkGuard,
  limits: Partial<RemoteBasesLimits> = {},
): RemoteBases {
  const dispatcher = createDispatcher({ guard, connectTimeoutMs });
  const fair = new FairSlots(slots);
  const l = { ...defaultLimits, ...limits };
  return {
    forBuild(share) {
      const known = new Map<string, Promise<Buffer>>();
      return {
        fetch(reference, signal) {
          const running = known.get(reference);
          if (running !== undefined) return running;
          if (known.size >= l.maxFiles) {
            return Promise.reject(
              buildFailed(`more than ${l.maxFiles} remote files: add them to the source`),
            );
          }
          const fetching = fair.run(
            share,
            () => fetchFile(reference, { dispatcher, signal, l }),
            signal,
          );
          known.set(reference, fetching);
          return fetching;
        },
      };
    },
    close: () => dispatcher.destroy(),
  };
}

interface Fetching {
  dispatcher: Dispatcher;
  signal: AbortSignal;
  l: RemoteBasesLimits;
}

async function fetchFile(reference: string, o: Fetching): Promise<Buffer> {
  const url = remoteFileUrl(reference);
  const shown = redactUrl(url.href);
  const timeout = AbortSignal.timeout(o.l.timeoutMs);
  try {
    return await getFile(url, {
      dispatcher: o.dispatcher,
      signal: AbortSignal.any([o.signal, timeout]),
      maxBytes: o.l.maxFileBytes,
      userAgent: 'kustomize-controller',
      check: refuseWebPage,
    });
  } catch (error) {
    o.signal.throwIfAborted();
    const why = timeout.aborted
      ? `no answer within ${o.l.timeoutMs} ms`
      : (refusalIn(error)?.message ?? errorMessage(error));
    throw buildFailed(`remote file ${shown}: ${why}`, error);
  }
}

/** What kustomize would go on to clone. */
function refuseWebPage(contentType: string): void {
  if (/^text\/html\b/i.test(contentType))
    throw new Error(`it is a web page, maybe of a repository: ${gitFix}`);
}

/**
 * Reads a reference as the URL of a file.
 *
 * @throws RetryableError BuildFailed when it is a Git repository or none that can be fetched
 */
function remoteFileUrl(reference: string): URL {
  if (gitForms.some((form) => form.test(reference))) {
    const shown = URL.canParse(reference) ? redactUrl(reference) : reference.slice(0, 200);
    throw buildFailed(`remote base ${shown} is a Git repository: ${gitFix}`);
  }
  const url = URL.parse(reference);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw buildFailed(
      'a remote base is no https:// address of a file: add the files to the source',
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw buildFailed(
      `remote file ${redactUrl(reference)} has a login in its address, which is not sent: add the file to the source`,
    );
  }
  return url;
}
