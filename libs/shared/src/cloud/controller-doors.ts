import { readFile } from 'node:fs/promises';
import { CloudLoginError } from './cloud-error.ts';
import type { CloudEnvironment } from './environment.ts';
import type { CloudDoor } from './exchange.ts';

/** How the controller itself logs in. */
export interface ControllerDoors {
  environment: CloudEnvironment;
  /** To services of the cloud. */
  door: CloudDoor;
  /** To addresses of the machine, which no object names. */
  local: CloudDoor;
}

/**
 * Reads a file that the environment names.
 *
 * @throws CloudLoginError
 */
export async function fileText(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    throw new CloudLoginError(`the file '${path}', which the environment names, cannot be read`, {
      cause,
    });
  }
}
