import { lstatSync, readlinkSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/**
 * Where a path of a container lies below its root directory: links on the way are followed as the container would, so
 * that `/var/run` does not lead out to this machine's `/run`.
 *
 * @param root the root directory on this machine
 * @param path absolute in the container; it need not exist
 * @returns absolute in the container, without links
 * @throws Error when links go round in circles
 */
export function pathInRoot(root: string, path: string): string {
  let left = normalize(path).split('/').filter(Boolean);
  let done = '/';
  for (let links = 0; left.length > 0; ) {
    const [first, ...others] = left as [string, ...string[]];
    const next = normalize(join(done, first));
    const target = linkTarget(join(root, next));
    if (target === undefined) {
      done = next;
      left = others;
      continue;
    }
    if (++links > 40) throw new Error(`${path}: too many links`);
    const resolved = target.startsWith('/') ? target : join(dirname(next), target);
    left = join('/', resolved, ...others)
      .split('/')
      .filter(Boolean);
    done = '/';
  }
  return done;
}

function linkTarget(path: string): string | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isSymbolicLink() ? readlinkSync(path) : undefined;
}
