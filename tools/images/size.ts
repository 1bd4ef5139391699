import { spawn } from 'node:child_process';
import { createGzip } from 'node:zlib';
import type { BuiltImage } from './build.ts';

/** How large an image is: its files as one archive, and that archive compressed as registries keep it, in bytes. */
export async function sizeOf({
  rootfs,
}: BuiltImage): Promise<{ bytes: number; compressedBytes: number }> {
  const tar = spawn('tar', ['--create', '--directory', rootfs, '.'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let bytes = 0;
  let compressedBytes = 0;
  tar.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  for await (const chunk of tar.stdout.pipe(createGzip())) compressedBytes += chunk.length;
  return { bytes, compressedBytes };
}
