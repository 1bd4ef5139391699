import type { Kustomization } from '@sluice/shared/api';
import { sha256Hex } from '@sluice/shared/base';
import { readConfigData, whyNoConfig } from '@sluice/shared/kube';
import { buildFailed } from '../builder/errors.ts';
import type { Run } from '../kustomization/run.ts';

/** Keys with which files are decrypted. */
export interface DecryptionKeys {
  /** age identities, one a line; empty when nobody names a Secret, which matters once a file is encrypted. */
  ageKeys: string;
  /** Digest of the keys, without which the build could not be told from one with others. */
  digest: string;
}

const ageEnding = '.agekey';
/** Keys of the Secret that Flux knows, and that need a service or program which is not there. */
const unsupported = /\.asc$|^sops\.(vault-token|aws-kms|azure-kv|gcp-kms)$/;

/** Returns which Secret holds the keys, and the field or flag that says so. */
function secretOf(object: Kustomization, run: Run) {
  const name = object.spec.decryption?.secretRef?.name;
  const { namespace } = object.metadata;
  if (name !== undefined) return { namespace, name, field: 'spec.decryption.secretRef' };
  const fallback = run.deps.settings.ageSecret;
  return fallback && { ...fallback, field: '--sops-age-secret' };
}

function identitiesIn(text: string, where: string): string[] {
  const lines = text.split('\n').map((line) => line.trim());
  const identities = lines.filter((line) => line !== '' && !line.startsWith('#'));
  // Identities of plugins would make sops start programs.
  if (identities.length > 0 && identities.every((line) => /^AGE-SECRET-KEY-/.test(line)))
    return identities;
  throw buildFailed(
    `${where} holds no age key: it must have lines that start with AGE-SECRET-KEY-`,
  );
}

/**
 * Loads the age keys of spec.decryption, or of `--sops-age-secret` when it names none.
 *
 * @returns undefined when the spec has no decryption
 * @throws RetryableError BuildFailed that names the Secret and the fix
 */
export async function loadDecryptionKeys(run: Run): Promise<DecryptionKeys | undefined> {
  const { object, ctx, signal } = run;
  if (object.spec.decryption === undefined) return undefined;
  const secret = secretOf(object, run);
  if (secret === undefined) return { ageKeys: '', digest: '' };
  const { namespace, name, field } = secret;
  const where = `Secret '${namespace}/${name}' of ${field}`;
  let data: Record<string, string>;
  try {
    data = await readConfigData(ctx.client, 'Secret', { namespace, name }, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw buildFailed(`${where} ${whyNoConfig(error)}`, error);
  }
  const files = Object.keys(data).filter((key) => key.endsWith(ageEnding));
  if (files.length === 0) {
    const others = Object.keys(data).filter((key) => unsupported.test(key));
    const seen = others.length === 0 ? '' : `; ${others.join(', ')} cannot be used`;
    throw buildFailed(`${where} has no key that ends in ${ageEnding}${seen}: add an age key`);
  }
  const identities = files
    .sort()
    .flatMap((key) => identitiesIn(data[key] ?? '', `key '${key}' of ${where}`));
  for (const identity of identities) run.masker.add(identity);
  const ageKeys = identities.join('\n');
  return { ageKeys, digest: sha256Hex(ageKeys) };
}
