import { gzipSync } from 'node:zlib';
import { Header } from 'tar';

/** An entry of a hand-made archive; nothing is checked. */
export interface ArchiveEntry {
  path: string;
  content?: string;
  mode?: number;
  linkpath?: string;
}

/** Builds a `tar.gz` as others make them: with owners, times and modes of their own. */
export function tarGz(entries: ArchiveEntry[]): Buffer {
  const blocks = entries.map(({ path, content = '', mode = 0o644, linkpath }) => {
    const block = Buffer.alloc(512);
    new Header({
      path,
      type: linkpath === undefined ? 'File' : 'SymbolicLink',
      mode,
      uid: 1000,
      gid: 1000,
      uname: 'someone',
      size: Buffer.byteLength(content),
      mtime: new Date(1_700_000_000_000),
      linkpath: linkpath ?? '',
    }).encode(block);
    const padding = Buffer.alloc((512 - (Buffer.byteLength(content) % 512)) % 512);
    return Buffer.concat([block, Buffer.from(content), padding]);
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}
