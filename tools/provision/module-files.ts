import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { modulesDir } from './catalogue.ts';

const run = promisify(execFile);

/**
 * Finds the files of a Go module that is pinned below tools/go, downloading it when Go has not done so yet. Its go.sum
 * vouches for the content.
 *
 * @param module folder below tools/go
 * @param path the module, such as `github.com/prometheus-operator/prometheus-operator`
 * @returns the folder of the module, which is read-only
 * @throws Error when Go is missing or the module cannot be downloaded
 */
export async function moduleFiles(module: string, path: string): Promise<string> {
  const { stdout } = await run('go', ['mod', 'download', '-json', path], {
    cwd: join(modulesDir, module),
    env: { ...process.env, GOTOOLCHAIN: 'local', GOWORK: 'off', GOFLAGS: '-mod=readonly' },
  });
  return (JSON.parse(stdout) as { Dir: string }).Dir;
}
