import { gzipSync } from 'node:zlib';
import { Header } from 'tar';
import { ArchiveError } from './archive-reader.ts';
import { blockSize, paddingAfter } from './tar-header.ts';
import { gunzipWithin } from './unpack.ts';

/** Charts and the like are kept for a short while and read once or twice: speed counts more than size. */
const level = 1;

function paddedSize(size: number): number {
  return Math.ceil(size / blockSize) * blockSize;
}

function isFile(type: Header['type']): boolean {
  return type === 'File' || type === 'OldFile';
}

/** Finds the header of a file; its name must stand in the plain header, as short names do. */
function findMember(tar: Buffer, path: string): { header: Header; offset: number } {
  for (let offset = 0; offset + blockSize <= tar.length; ) {
    const header = new Header(tar, offset);
    if (header.nullBlock || !header.cksumValid) break;
    if (isFile(header.type) && header.path === path) return { header, offset };
    offset += blockSize + paddedSize(header.size ?? 0);
  }
  throw new ArchiveError(`archive refused: no plain entry named ${JSON.stringify(path)}`);
}

/**
 * Returns a `tar.gz` in which one file has other content; everything else, times and modes included, stays.
 *
 * The archive must have passed the checks of {@link readArchiveHere}.
 *
 * @param limits.maxBytes as given to {@link readArchiveHere}
 * @throws ArchiveError when there is no such file, or its name is in an extended header
 */
export function replaceMember(
  archive: Uint8Array,
  member: { path: string; content: Buffer },
  limits: { maxBytes: number },
): Buffer {
  const tar = gunzipWithin(archive, limits.maxBytes);
  const { header, offset } = findMember(tar, member.path);
  const { size = 0, path, mode, uid, gid, uname, gname, mtime, type } = header;
  const block = Buffer.alloc(blockSize);
  new Header({
    ...{ path, mode, uid, gid, uname, gname, mtime, type },
    linkpath: '',
    size: member.content.length,
  }).encode(block);
  return gzipSync(
    Buffer.concat([
      tar.subarray(0, offset),
      block,
      member.content,
      paddingAfter(member.content.length),
      tar.subarray(offset + blockSize + paddedSize(size)),
    ]),
    { level },
  );
}
