import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Finds a program as a shell would. Commands run without a search path of their own, so it is looked up before.
 *
 * @param file name or path
 * @param path the search path; directories separated by colons
 * @returns the path of the program; `file` itself when it is a path, or is found nowhere
 */
export function findProgram(file: string, path: string | undefined): string {
  if (file.includes('/')) return file;
  const found = (path ?? '')
    .split(delimiter)
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, file))
    .find(isExecutable);
  return found ?? file;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
