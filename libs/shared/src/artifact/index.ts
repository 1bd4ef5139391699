// Artifacts: reproducible archives of sources, how they are stored and served, fetched and unpacked.
export type { ArchivedFile, ArtifactArchive } from './archive.ts';
export {
  ArchiveError,
  type ArchiveLimits,
  defaultArchiveLimits,
  type MemoryFile,
} from './archive-reader.ts';
export { ArtifactCache, type ArtifactCacheOptions } from './cache.ts';
export { DiskCache, type DiskCacheContent } from './disk-cache.ts';
export {
  type ArtifactDownloadOptions,
  artifactError,
  artifactFailedReason,
  checkedDigest,
  downloadArtifact,
} from './download-artifact.ts';
export { compileGlob, isGlob } from './glob.ts';
export {
  createIgnore,
  defaultIgnoreLimits,
  type IgnoreLimits,
  ignoreFileName,
} from './ignore.ts';
export { type Origin, originFacts, originMetadata } from './origin.ts';
export { type PackResult, packArtifact } from './pack.ts';
export type { ArtifactPins } from './pins.ts';
export { readDirectory } from './read-directory.ts';
export { replaceMember } from './replace-member.ts';
export { serveTasks } from './serve-tasks.ts';
export { type ArtifactServer, type ArtifactServerOptions, serveArtifacts } from './server.ts';
export { type ArtifactPlace, ArtifactStore, type WrittenArtifact } from './store.ts';
export { safePathParts, sortByPath, type TreeEntry, UnsafePathError } from './tree.ts';
export {
  inlineArchiveBytes,
  readArchive,
  readArchiveHere,
  unpackArchive,
  unpackFileHere,
} from './unpack.ts';
export { withoutIgnored } from './without-ignored.ts';
export { type TaskOptions, WorkerPool, type WorkerPoolOptions } from './worker-pool.ts';
