import { readFile } from 'node:fs/promises';

/**
 * Reads the token that a file holds; anew each time, since the kubelet renews it.
 *
 * @param flagName name of the flag that names the file, without the dashes
 * @throws Error that names the flag and the file, and nothing of what is in it
 */
export async function readTokenFile(file: string, flagName: string): Promise<string> {
  const token = (await readFile(file, 'utf8')).trim();
  // Checked here, because an error of a request would quote what no header can hold.
  if (/^[A-Za-z0-9._~+/-]+=*$/.test(token)) return token;
  throw new Error(`--${flagName} ${file} holds no token`);
}
