import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KubeObject, Kustomization } from '@sluice/shared/api';
import { parseYamlStream } from '@sluice/shared/base';
import { toolPath } from '@sluice/testing';

const run = promisify(execFile);

/** What came out: the objects in their order, or the words with which they were refused. */
export type Answer = { objects: KubeObject[] } | { refused: string };

/**
 * Builds as the `flux` program does.
 *
 * @param root directory of the artifact
 * @param dir where the program may write
 */
export async function fluxBuild(
  object: Kustomization,
  o: { root: string; dir: string; strict?: boolean },
): Promise<Answer> {
  const file = join(o.dir, 'kustomization.json');
  await writeFile(file, JSON.stringify(object));
  const { name, namespace = '' } = object.metadata;
  const args = [
    ...['build', 'kustomization', name, `--namespace=${namespace}`, '--dry-run'],
    ...[`--kustomization-file=${file}`, `--path=${join(o.root, object.spec.path ?? '.')}`],
    ...(o.strict ? ['--strict-substitute'] : []),
  ];
  const env = { PATH: '/usr/bin:/bin', HOME: o.dir };
  try {
    const { stdout } = await run(toolPath('flux'), args, { env, maxBuffer: 64 * 2 ** 20 });
    const objects = parseYamlStream(stdout, 'flux', { exactIntegers: true });
    return { objects: objects as KubeObject[] };
  } catch (error) {
    if (!(error instanceof Error) || !('stderr' in error)) throw error;
    return { refused: String(error.stderr) };
  }
}
