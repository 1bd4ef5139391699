import { execFileSync } from 'node:child_process';
import { toolPath } from '@sluice/testing';
import { armor, Decrypter } from 'age-encryption';

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

/**
 * Encrypts an object with the real sops, for a key of a service in place of an age key: metadata is not part of the
 * message authentication code.
 *
 * @param keysOf the fields of the metadata that name the key, with the data key in base64 as its ciphertext
 */
export async function encryptForService(
  object: object,
  keysOf: (dataKey: string) => object,
): Promise<string> {
  const text = encrypt(JSON.stringify(object), 'json', ['--encrypted-regex=^(data|stringData)$']);
  const document = JSON.parse(text) as { sops: { age: { enc: string }[] } };
  const decrypter = new Decrypter();
  decrypter.addIdentity(ageKeys.identity);
  const enc = armor.decode(document.sops.age[0]?.enc ?? '');
  const dataKey = Buffer.from(await decrypter.decrypt(enc, 'uint8array')).toString('base64');
  const { age: _, ...rest } = document.sops;
  return JSON.stringify({ ...document, sops: { ...rest, ...keysOf(dataKey) } });
}
