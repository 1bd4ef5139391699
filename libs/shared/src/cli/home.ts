import { chmod, mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';

/** Makes an empty directory in which nothing can be created; no setting of ours or of a tenant is ever read from it. */
export async function createHome(tempDir: string): Promise<string> {
  await mkdir(tempDir, { recursive: true, mode: 0o700 });
  const home = await mkdtemp(join(tempDir, 'home-'));
  await chmod(home, 0o500);
  return home;
}
