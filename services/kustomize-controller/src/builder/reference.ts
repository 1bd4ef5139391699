import { posix } from 'node:path';
import { buildFailed } from './errors.ts';

/** Where a path stands: the file, from the root of the artifact, and the field in it. */
export interface Origin {
  file: string;
  field: string;
}

const schemes = /^(?:git::|(?:ssh|https?|file):\/\/|gh:|git@|github\.com[:/])/i;
const userAtHost = /^[a-zA-Z][a-zA-Z0-9-]*@[^/]*[:/]/;

/** Tells whether kustomize would take a reference as a URL or Git repository instead of a local path. */
export function isRemoteReference(reference: string): boolean {
  return schemes.test(reference) || userAtHost.test(reference);
}

/** Formats where a reference stands, for messages. */
export function formatOrigin(origin: Origin): string {
  return `${origin.field} of ${origin.file}`;
}

/**
 * Resolves a path from a kustomization file, without looking at the disk.
 *
 * @param dir directory of the kustomization file, from the root of the artifact
 * @returns the path from the root of the artifact, `.` for the root itself
 * @throws RetryableError BuildFailed when it is absolute or leads out of the artifact
 */
export function resolveReference(dir: string, reference: string, origin: Origin): string {
  const shown = JSON.stringify(reference.slice(0, 200));
  const where = formatOrigin(origin);
  if (reference === '') throw buildFailed(`${where} is empty: name a path in the artifact`);
  if (reference.includes('\0')) throw buildFailed(`${where}: path ${shown} holds a NUL character`);
  if (posix.isAbsolute(reference) || /^file:/i.test(reference)) {
    throw buildFailed(`${where}: path ${shown} is absolute: use one relative to the file`);
  }
  const resolved = posix.normalize(posix.join(dir, reference)).replace(/\/+$/, '');
  if (resolved === '..' || resolved.startsWith('../')) {
    throw buildFailed(`${where}: path ${shown} leads out of the artifact`);
  }
  return resolved;
}
