import { WorkerPool } from '@sluice/shared/artifact';
import { LruBytes, sha256Hex } from '@sluice/shared/base';
import { type Identity, mayTakeLong, PrivateKeyError, readPrivateKey } from './private-key.ts';

/** Bundles hold JavaScript, sources TypeScript: the worker's file has the extension of this one. */
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
const deadlineMs = 20_000;
const maxOpened = 500;

const workers = new WorkerPool({
  url: new URL(`./key-worker${extension}`, import.meta.url),
  size: 2,
  maxHeapMb: 64,
  deadlineMs,
  toError: (name, message) =>
    name === 'PrivateKeyError' ? new PrivateKeyError(message) : new Error(message),
});

/** Opened keys by the digest of what they were opened from. */
const opened = new LruBytes<string>(maxOpened);

/**
 * Opens a private key. A passphrase takes long to try, on purpose: that is done in another thread, and once.
 *
 * @param share for whom, such as a namespace
 * @returns the key as ssh2 takes it, without passphrase
 * @throws PrivateKeyError; BudgetError when that takes too long; the signal's reason
 */
export async function openPrivateKey(
  identity: Identity,
  o: { share: string; signal: AbortSignal },
): Promise<string> {
  if (!mayTakeLong(identity)) return readPrivateKey(identity);
  const id = sha256Hex(JSON.stringify([o.share, identity.key, identity.passphrase]));
  const known = opened.get(id);
  if (known !== undefined) return known;
  const key = await workers.run<string>(identity, o);
  opened.set(id, key, 1);
  return key;
}
