import type { Artifact } from '../api/index.ts';
// Threads that make artifacts need the names, and no schemas.
import {
  commitAuthorFact,
  commitSubjectFact,
  commitTimeFact,
  factPrefix,
  ociOriginRevisionKey,
  ociOriginSourceKey,
  sourceRevisionFact,
  sourceUrlFact,
} from '../api/names.ts';
import { printable } from '../base/index.ts';

/** Where the content of an artifact comes from, as far as it is known. */
export interface Origin {
  /**
   * Name of the commit's author. Not the mail address: it is personal, facts travel to chats and other services, and the
   * commit has it for those who may read that.
   */
  author?: string | undefined;
  /** When it was committed, in milliseconds since the epoch. */
  committedAt?: number | undefined;
  /** First line of the commit's message. */
  subject?: string | undefined;
  /** Address of the repository; credentials in it are taken out. */
  url?: string | undefined;
  /** Revision of the source, when that is another one than the artifact's. */
  revision?: string | undefined;
}

/** Characters of each fact. */
const limits = {
  [commitAuthorFact]: 100,
  [commitSubjectFact]: 200,
  [sourceUrlFact]: 500,
  [sourceRevisionFact]: 300,
};

/** Schemes of the addresses of repositories. */
const schemes = ['http:', 'https:', 'ssh:'];

/** Returns an origin as it belongs in the metadata of an artifact: what may be shown anywhere, in one line each. */
export function originMetadata(origin: Origin): Record<string, string> {
  const { author, subject, url, revision, committedAt } = origin;
  const time = committedAt === undefined ? undefined : timeOf(committedAt);
  return {
    ...metadataOf({
      [commitAuthorFact]: author,
      [commitSubjectFact]: subject,
      [sourceUrlFact]: url,
      [sourceRevisionFact]: revision,
    }),
    ...(time && { [`${factPrefix}${commitTimeFact}`]: time }),
  };
}

/** A commit may claim any time, also one that is none. */
function timeOf(ms: number): string | undefined {
  const isTime = ms > 0 && ms < 253_402_300_800_000;
  return isTime ? new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z') : undefined;
}

/**
 * Returns what an artifact says of its origin, as metadata of events. Of OCI artifacts that is the repository and the
 * revision which the one who pushed them has named. Nothing is taken on trust: an artifact may be anybody's.
 */
export function originFacts(artifact: Artifact | undefined): Record<string, string> {
  const metadata = artifact?.metadata ?? {};
  const fact = (name: string) => metadata[`${factPrefix}${name}`];
  return metadataOf({
    [commitAuthorFact]: fact(commitAuthorFact),
    [commitSubjectFact]: fact(commitSubjectFact),
    [sourceUrlFact]: fact(sourceUrlFact) ?? metadata[ociOriginSourceKey],
    [sourceRevisionFact]: fact(sourceRevisionFact) ?? metadata[ociOriginRevisionKey],
  });
}

function metadataOf(facts: Record<string, string | undefined>): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const [name, max] of Object.entries(limits)) {
    const given = facts[name] ?? '';
    const text = oneLine(name === sourceUrlFact ? withoutCredentials(given) : given, max);
    if (text !== '') metadata[`${factPrefix}${name}`] = text;
  }
  return metadata;
}

function oneLine(text: string, max: number): string {
  const line = printable(text.slice(0, 4 * max))
    .replace(/\s+/g, ' ')
    .trim();
  return line.length <= max ? line : `${line.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** The address without user, password, query and fragment; the empty string when it is none of a repository. */
function withoutCredentials(address: string): string {
  // As Git writes the address of a repository that is reached over SSH.
  const [, host, path] = /^[\w.-]+@([\w.-]+):(?!\/\/)(.+)$/.exec(address) ?? [];
  const url = URL.parse(host === undefined ? address : `ssh://${host}/${path}`);
  if (url === null || !schemes.includes(url.protocol)) return '';
  return `${url.protocol}//${url.host}${url.pathname}`;
}
