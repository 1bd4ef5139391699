import { execFileSync } from 'node:child_process';
import { toolPath } from '@sluice/testing';

/** A pair of age keys made for these tests. */
export const ageKeys = {
  recipient: 'age1tv9dr9jfkak3zq2hqr6g8qd5d0v7nuapfzyeaxdwrq8jzcwlcgjqjsx932',
  identity: 'AGE-SECRET-KEY-1FKQ0LS4DMY4DJ5GS7XHN8T4K2MWL9AGMN90C0X7DUHWLQ8T9EUUSWNEF97',
};

/** Encrypts a text with the real sops, as `sops encrypt` does with a file of that format. */
export function encrypt(text: string, format = 'yaml', more: string[] = []): string {
  return execFileSync(
    toolPath('sops'),
    [
      'encrypt',
      `--age=${ageKeys.recipient}`,
      `--input-type=${format}`,
      `--output-type=${format === 'binary' ? 'json' : format}`,
      `--filename-override=file.${format}`,
      ...more,
    ],
    { input: text, encoding: 'utf8', env: { HOME: '/nonexistent' } },
  );
}

/** Encrypts the data of Secrets alone, as is usual. */
export const encryptSecret = (text: string): string =>
  encrypt(text, 'yaml', ['--encrypted-regex=^(data|stringData)$']);
