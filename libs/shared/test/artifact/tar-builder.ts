import { gzipSync } from 'node:zlib';
import { Header } from 'tar';

/** A hand-made tar entry; nothing is checked, so that evil ones can be made. */
export interface RawEntry {
  path: string;
  type?: ConstructorParameters<typeof Header>[0] extends infer D
    ? D extends { type?: infer T }
      ? T
      : never
    : never;
  content?: string;
  linkpath?: string;
  mode?: number;
  /** A size that differs from the content's. */
  declaredSize?: number;
}

/** Builds an uncompressed tar from hand-made entries. */
export function rawTar(entries: RawEntry[]): Buffer {
  const blocks: Buffer[] = [];
  for (const entry of entries) {
    const content = Buffer.from(entry.content ?? '');
    const block = Buffer.alloc(512);
    new Header({
      path: entry.path,
      type: entry.type ?? 'File',
      mode: entry.mode ?? 0o644,
      uid: 0,
      gid: 0,
      size: entry.declaredSize ?? content.length,
      mtime: new Date(0),
      linkpath: entry.linkpath ?? '',
    }).encode(block);
    blocks.push(block, content, Buffer.alloc((512 - (content.length % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** Builds a `tar.gz` from hand-made entries. */
export function rawArchive(entries: RawEntry[]): Buffer {
  return gzipSync(rawTar(entries));
}
