import { execFileSync } from 'node:child_process';
import { DataKeyError, type OpenDataKey, type SopsFormat } from '@sluice/shared/cli';
import { toolPath } from '@sluice/testing';
import { armor, Decrypter } from 'age-encryption';

/** A pair of age keys made for these tests. */
export const keys = {
  recipient: 'age1tv9dr9jfkak3zq2hqr6g8qd5d0v7nuapfzyeaxdwrq8jzcwlcgjqjsx932',
  identity: 'AGE-SECRET-KEY-1FKQ0LS4DMY4DJ5GS7XHN8T4K2MWL9AGMN90C0X7DUHWLQ8T9EUUSWNEF97',
};

/** Encrypts a text with the sops program, for the age key unless told. */
export function encrypt(text: string, format: SopsFormat, ...more: string[]): string {
  const output = format === 'binary' ? 'json' : format;
  return execFileSync(
    toolPath('sops'),
    [
      ...more,
      'encrypt',
      ...(more.length > 0 ? [] : [`--age=${keys.recipient}`]),
      `--input-type=${format}`,
      `--output-type=${output}`,
      `--filename-override=file.${format}`,
    ],
    { input: text, encoding: 'utf8', env: { HOME: '/nonexistent' } },
  );
}

/** Opens what is encrypted for the age key. */
export const openWithAge: OpenDataKey = ({ key, ciphertext }) => {
  if (key.kind !== 'age') throw new DataKeyError(`no ${key.kind}`);
  const decrypter = new Decrypter();
  decrypter.addIdentity(keys.identity);
  return decrypter.decrypt(armor.decode(ciphertext), 'uint8array');
};
