import { Header, Pax } from 'tar';

/** Size of a tar block in bytes. */
export const blockSize = 512;

const fileMode = 0o600;
const executableMode = 0o700;
const directoryMode = 0o750;
const epoch = new Date(0);

/** What a header of an artifact may say; owner, names and times are always the same. */
export interface ArchiveMember {
  path: string;
  type: 'File' | 'Directory';
  executable?: boolean;
  /** Bytes of content. */
  size?: number;
}

/**
 * Encodes the tar header of one member, without anything that depends on the machine.
 *
 * Paths which do not fit a plain header, or are not ASCII, get an extended header in front.
 */
export function encodeTarHeader(member: ArchiveMember): Buffer {
  const isDirectory = member.type === 'Directory';
  const fields = {
    path: member.path,
    type: member.type,
    mode: isDirectory ? directoryMode : member.executable ? executableMode : fileMode,
    uid: 0,
    gid: 0,
    size: member.size ?? 0,
    mtime: epoch,
    uname: '',
    gname: '',
    linkpath: '',
  } as const;
  const header = new Header(fields);
  const block = Buffer.alloc(blockSize);
  if (!header.encode(block)) return block;
  const extended = new Pax({ path: fields.path, size: fields.size }).encode();
  return Buffer.concat([extended, block]);
}

/** Zero bytes that fill the last block of a member's content. */
export function paddingAfter(size: number): Buffer {
  return Buffer.alloc((blockSize - (size % blockSize)) % blockSize);
}

/** The two empty blocks that end an archive. */
export function endOfArchive(): Buffer {
  return Buffer.alloc(2 * blockSize);
}
