/** A format that sops knows. */
export type SopsFormat = 'yaml' | 'json' | 'dotenv' | 'ini' | 'binary';

/** An encrypted file. */
export interface SopsFile {
  /** Its name in messages. */
  name: string;
  content: Buffer;
  format: SopsFormat;
}

/** A file that cannot be decrypted. The message holds nothing of the content. */
export class SopsError extends Error {
  override name = 'SopsError';
}

/** A data key cannot be had with one of the keys that a file names. The message holds nothing secret. */
export class DataKeyError extends Error {
  override name = 'DataKeyError';
}
