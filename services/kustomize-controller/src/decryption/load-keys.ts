import { digestOfParts } from '@sluice/shared/base';
import { readConfigData, whyNoConfig } from '@sluice/shared/kube';
import { buildFailed } from '../builder/errors.ts';
import type { Run } from '../kustomization/run.ts';
import { type DecryptionKeys, noKeys, readHeldKeys, secretsIn } from './held-keys.ts';

/** Returns which Secret holds the keys, and the field or flag that says so. */
function secretOf({ object, deps }: Run) {
  const name = object.spec.decryption?.secretRef?.name;
  const { namespace } = object.metadata;
  if (name !== undefined) return { namespace, name, field: 'spec.decryption.secretRef' };
  const fallback = deps.settings.ageSecret;
  return fallback && { ...fallback, field: '--sops-age-secret' };
}

async function read(
  run: Run,
  { namespace, name }: { namespace?: string; name: string },
  where: string,
) {
  const { ctx, signal } = run;
  try {
    return await readConfigData(ctx.client, 'Secret', { namespace, name }, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw buildFailed(`${where} ${whyNoConfig(error)}`, error);
  }
}

/**
 * Loads the keys and logins of spec.decryption, or the age keys of `--sops-age-secret` when it names no Secret.
 *
 * @returns undefined when the spec has no decryption
 * @throws RetryableError BuildFailed that names the Secret and the fix
 */
export async function loadDecryptionKeys(run: Run): Promise<DecryptionKeys | undefined> {
  const { decryption } = run.object.spec;
  if (decryption === undefined) return undefined;
  const { serviceAccountName, secretRef } = decryption;
  const secret = secretOf(run);
  const where = secret && `Secret '${secret.namespace}/${secret.name}' of ${secret.field}`;
  let held = noKeys();
  if (secret !== undefined && where !== undefined) {
    const data = await read(run, secret, where);
    const all = readHeldKeys(data, where);
    // Logins of the administrator are not for everyone.
    held = secretRef === undefined ? { ...noKeys(), age: all.age } : all;
  }
  for (const text of secretsIn(held)) run.masker.add(text);
  const digest = digestOfParts([JSON.stringify(held), serviceAccountName ?? '']);
  return { held, where, serviceAccountName, digest };
}
