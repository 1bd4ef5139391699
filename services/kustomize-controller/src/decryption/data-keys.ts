import { printable } from '@sluice/shared/base';
import { DataKeyError, type OpenDataKey, type SopsKey } from '@sluice/shared/cli';
import { CloudLoginError, TokenCache } from '@sluice/shared/cloud';
import { openBy } from './open-by.ts';
import type { DataKeyDeps, DataKeyOwner } from './opening.ts';

/** Data keys that are kept, each of some hundred bytes. */
const maxKept = 2000;
/** Until a service is asked again, which may have withdrawn its key. */
const keptMs = 60 * 60_000;
const maxNameLength = 200;

/**
 * Opens the data keys of files, and keeps them for a while, so that files which did not change are decrypted without
 * asking anybody. What is kept serves only who has the same keys in the same namespace: a changed Secret ends it.
 */
export class DataKeys {
  readonly #deps: DataKeyDeps;
  readonly #kept: TokenCache;

  constructor(deps: DataKeyDeps) {
    this.#deps = deps;
    this.#kept = new TokenCache({ maxSize: maxKept, maxDurationMs: keptMs, clock: deps.clock });
  }

  /** Makes the function that opens data keys for a Kustomization. */
  for(owner: DataKeyOwner): OpenDataKey {
    const { clock, dispatcher } = this.#deps;
    const { namespace, keys } = owner;
    return async ({ key, ciphertext }, signal) => {
      const name = nameOf(key);
      const id = ['data-key', namespace, keys.digest, JSON.stringify(key), ciphertext];
      try {
        return await this.#kept.get(id, { signal }, async () => {
          // It may be for several builds, so that it does not end with the first one.
          const door = { clock, dispatcher, signal: new AbortController().signal };
          const opening = { ...this.#deps, ...owner, door };
          const value = await openBy({ key, ciphertext }, opening);
          return { value, expiresAtMs: clock.now() + keptMs };
        });
      } catch (error) {
        if (!(error instanceof CloudLoginError || error instanceof DataKeyError)) throw error;
        throw new DataKeyError(`${name}: ${error.message}`, { cause: error });
      }
    };
  }
}

/** What the file says of a key, as far as a message may show it. */
function nameOf(key: SopsKey): string {
  return printable(labelOf(key)).slice(0, maxNameLength);
}

function labelOf(key: SopsKey): string {
  switch (key.kind) {
    case 'age':
      return `age key ${key.recipient}`;
    case 'pgp':
      return `PGP key ${key.fingerprint}`;
    case 'kms':
      return `AWS KMS key ${key.arn}`;
    case 'gcp_kms':
      return `Google Cloud KMS key ${key.resource}`;
    case 'azure_kv':
      return `Azure Key Vault key ${key.vaultUrl}/keys/${key.name}/${key.version}`;
    case 'hc_vault':
      return `Vault key ${key.address}/v1/${key.engine}/keys/${key.name}`;
    case 'hckms':
      return `Huawei Cloud KMS key ${key.id}`;
  }
}
