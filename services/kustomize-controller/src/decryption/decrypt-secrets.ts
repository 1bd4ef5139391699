import { disabledValue, type KubeObject, kustomizeDecryptAnnotation } from '@sluice/shared/api';
import { type Decryptor, decryptFile } from './decrypt.ts';
import { encryptedFormat, formatOfName } from './sops-format.ts';

interface Secret extends KubeObject {
  data?: Record<string, unknown>;
}

/** Whether an object is a Secret that is not to be left alone. */
export function mayHoldFiles(object: KubeObject): object is Secret {
  if (object.kind !== 'Secret' || object.apiVersion !== 'v1') return false;
  return object.metadata.annotations?.[kustomizeDecryptAnnotation] !== disabledValue;
}

/**
 * Decrypts the values of a Secret that are files which sops has encrypted; others stay.
 *
 * @throws RetryableError BuildFailed that names the Secret, the key and the fix
 */
export async function decryptSecretData(object: KubeObject, o: Decryptor): Promise<KubeObject> {
  if (!mayHoldFiles(object)) return object;
  const data = { ...object.data };
  let changed = false;
  for (const [key, value] of Object.entries(data)) {
    if (typeof value !== 'string') continue;
    const content = Buffer.from(value, 'base64');
    const format = encryptedFormat(content, formatOfName(key));
    if (format === undefined) continue;
    const name = `data["${key}"] of Secret ${object.metadata.name}`;
    const plain = await decryptFile({ name, content, format }, o);
    o.onSecret(plain.toString());
    data[key] = plain.toString('base64');
    changed = true;
  }
  return changed ? ({ ...object, data } as KubeObject) : object;
}
