import type { SopsFormat } from '@sluice/shared/cli';

/** What only an encrypted file of a format holds, of formats that are told apart by it. */
const markers: [SopsFormat, string][] = [
  ['yaml', 'mac: ENC['],
  ['json', '"mac": "ENC['],
  ['json', '"mac":"ENC['],
  ['dotenv', 'sops_mac=ENC['],
  ['ini', '[sops]'],
];

const formatsOfEndings: Record<string, SopsFormat> = {
  yaml: 'yaml',
  yml: 'yaml',
  json: 'json',
  env: 'dotenv',
  ini: 'ini',
};

/** Returns the format that sops takes a file for by its name. */
export function formatOfName(path: string): SopsFormat {
  return formatsOfEndings[/\.([a-z]+)$/.exec(path)?.[1] ?? ''] ?? 'binary';
}

/**
 * Tells whether sops has encrypted a file, by what is in it.
 *
 * @param assumed the format that its name, or the field that refers to it, promises
 * @returns the format it is encrypted in; undefined when it is not
 */
export function encryptedFormat(content: Buffer, assumed: SopsFormat): SopsFormat | undefined {
  const found = markers.filter(([, marker]) => content.includes(marker)).map(([format]) => format);
  if (found.length === 0) return undefined;
  // The envelope of a binary file is JSON.
  if (assumed === 'binary' && found.includes('json')) return 'binary';
  return found.includes(assumed) ? assumed : found[0];
}
