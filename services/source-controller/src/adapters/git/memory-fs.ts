import type { PromiseFsClient } from 'isomorphic-git';

// isomorphic-git keeps repositories in files. Here its files are in memory: a fetch for one artifact needs no
// repository afterwards, a disk costs more than the fetch, and nothing that a server names is ever a path.

/** Directory of the repository in a {@link MemoryFiles}. */
export const gitdir = '/repository';

/** Where isomorphic-git finds and leaves files. */
export interface MemoryFiles {
  /** Returns a file's content; undefined when there is none. */
  read(path: string): Promise<Uint8Array | string | undefined>;
  /** Takes a file; what it throws ends the operation. */
  write(path: string, content: Uint8Array | string): Promise<void>;
}

/** Makes the file system interface that isomorphic-git expects, without directories. */
export function memoryFs(files: MemoryFiles): { promises: PromiseFsClient['promises'] } {
  const none = async () => undefined;
  return {
    promises: {
      async readFile(path?: string, options?: string | { encoding?: string }) {
        // isomorphic-git calls it without a path to see whether it returns a promise.
        if (path === undefined) return undefined;
        const content = await files.read(path);
        if (content === undefined) throw notFound(path);
        const encoding = typeof options === 'string' ? options : options?.encoding;
        return encoding === undefined ? content : Buffer.from(content).toString('utf8');
      },
      writeFile: (path: string, content: Uint8Array | string) => files.write(path, content),
      stat: status,
      lstat: status,
      readdir: async () => [],
      mkdir: none,
      rmdir: none,
      unlink: none,
      readlink: missing,
      symlink: missing,
    },
  };
}

async function status(path: string): Promise<{ isFile(): boolean; isDirectory(): boolean }> {
  if (path !== gitdir) throw notFound(path);
  return { isFile: () => false, isDirectory: () => true };
}

async function missing(path: string): Promise<never> {
  throw notFound(path);
}

function notFound(path: string): Error {
  return Object.assign(new Error(`${path} does not exist`), { code: 'ENOENT' });
}
