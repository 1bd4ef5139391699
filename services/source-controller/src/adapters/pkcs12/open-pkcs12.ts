import { WorkerPool } from '@sluice/shared/artifact';
import { LruBytes, sha256Hex } from '@sluice/shared/base';
import { Pkcs12Error, type Pkcs12File } from './pkcs12-file.ts';

/** Bundles hold JavaScript, sources TypeScript: the worker's file has the extension of this one. */
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
const deadlineMs = 10_000;
const maxOpened = 100;

const workers = new WorkerPool({
  url: new URL(`./pfx-worker${extension}`, import.meta.url),
  size: 2,
  maxHeapMb: 64,
  deadlineMs,
  toError: (name, message) =>
    name === 'Pkcs12Error' ? new Pkcs12Error(message) : new Error(message),
});

/** Key and certificates in PEM by the digest of what they were read from. */
const opened = new LruBytes<string>(maxOpened);

/**
 * Opens a file in the form of PKCS#12. The file says how long that takes: it is done in another thread, and once.
 *
 * @param share for whom, such as a namespace
 * @returns its RSA key and its certificates in PEM, without password
 * @throws Pkcs12Error; BudgetError when it takes too long; the signal's reason
 */
export async function openPkcs12(
  file: Pkcs12File,
  o: { share: string; signal: AbortSignal },
): Promise<string> {
  const id = sha256Hex(JSON.stringify([o.share, file.content, file.password]));
  const known = opened.get(id);
  if (known !== undefined) return known;
  const pem = await workers.run<string>(file, o);
  opened.set(id, pem, 1);
  return pem;
}
