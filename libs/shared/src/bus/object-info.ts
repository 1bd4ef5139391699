import { createHash, type Hash } from 'node:crypto';

/** What a bucket says of an object, as far as it is used here. */
export interface ObjectInfo {
  name: string;
  /** Names the pieces of the content. */
  nuid: string;
  /** Number of pieces. */
  chunks: number;
  /** Bytes. */
  size: number;
  /** Of the content, as `SHA-256=` and base64. */
  digest: string;
  /** When the file was written that was stored, in the form of ISO 8601. */
  mtime: string;
}

/** The form of base64 that subjects can hold. */
function subjectSafe(base64: string): string {
  return base64.replaceAll('+', '-').replaceAll('/', '_');
}

/** The last token of the subject on which an object is described. */
export function objectToken(name: string): string {
  return subjectSafe(Buffer.from(name).toString('base64'));
}

export function contentHash(): Hash {
  return createHash('sha256');
}

export function contentDigest(hash: Hash): string {
  return `SHA-256=${subjectSafe(hash.digest('base64'))}`;
}

/** Reads what a bucket says of an object; undefined for one that was deleted, and for what is no such text. */
export function parseObjectInfo(data: Uint8Array): ObjectInfo | undefined {
  let info: Partial<Record<keyof ObjectInfo | 'deleted', unknown>>;
  try {
    info = JSON.parse(Buffer.from(data).toString('utf8'));
  } catch {
    return undefined;
  }
  const { name, nuid, chunks, size, digest, mtime, deleted } = info ?? {};
  if (deleted === true || typeof name !== 'string' || typeof digest !== 'string') return undefined;
  if (typeof nuid !== 'string' || !/^[A-Za-z0-9-]+$/.test(nuid)) return undefined;
  if (typeof chunks !== 'number' || typeof size !== 'number') return undefined;
  if (typeof mtime !== 'string' || Number.isNaN(Date.parse(mtime))) return undefined;
  return { name, nuid, chunks, size, digest, mtime };
}
