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

interface Member {
  header: Header;
  offset: number;
}

/** Finds the headers of a file; its name must stand in the plain header, as short names do. */
function findMembers(tar: Buffer, path: string): [Member, ...Member[]] {
  const found: Member[] = [];
  for (let offset = 0; offset + blockSize <= tar.length; ) {
    const header = new Header(tar, offset);
    if (header.nullBlock || !header.cksumValid) break;
    if (isFile(header.type) && header.path === path) found.push({ header, offset });
    offset += blockSize + paddedSize(header.size ?? 0);
  }
  const [first, ...more] = found;
  if (first !== undefined) return [first, ...more];
  throw new ArchiveError(`archive refused: no plain entry named ${JSON.stringify(path)}`);
}

/** Writes the header and content of a file in place of those that it has. */
function encodeMember({ header }: Member, content: Buffer): Buffer[] {
  const { path, mode, uid, gid, uname, gname, mtime, type } = header;
  const block = Buffer.alloc(blockSize);
  new Header({
    ...{ path, mode, uid, gid, uname, gname, mtime, type },
    linkpath: '',
    size: content.length,
  }).encode(block);
  return [block, content, paddingAfter(content.length)];
}

/**
 * Returns a `tar.gz` in which one file has other content, wherever it is there; everything else, times and modes
 * included, stays.
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
  const parts: Buffer[] = [];
  let copied = 0;
  for (const found of findMembers(tar, member.path)) {
    const { header, offset } = found;
    parts.push(tar.subarray(copied, offset), ...encodeMember(found, member.content));
    copied = offset + blockSize + paddedSize(header.size ?? 0);
  }
  return gzipSync(Buffer.concat([...parts, tar.subarray(copied)]), { level });
}
