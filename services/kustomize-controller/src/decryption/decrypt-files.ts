import { disabledValue, kustomizeDecryptAnnotation } from '@sluice/shared/api';
import { mapConcurrently, parseYamlStream, YamlError } from '@sluice/shared/base';
import type { EncryptedFile, SopsFormat } from '@sluice/shared/cli';
import { type Decryptor, decryptFile, stringsIn } from './decrypt.ts';
import { encryptedFormat, formatOfName } from './sops-format.ts';

/** Files of one build that are decrypted at the same time. */
const concurrency = 8;

interface EncryptedDocument {
  mac: unknown;
  disabled: boolean;
}

/** Looks at what sops, and who wrote the object, say in a document; undefined when it is not encrypted. */
function encryptionOf(document: unknown): EncryptedDocument | undefined {
  const { sops, metadata } = (document ?? {}) as {
    sops?: { mac?: unknown };
    metadata?: { annotations?: Record<string, string> };
  };
  if (typeof sops !== 'object' || sops === null || sops.mac === undefined) return undefined;
  const disabled = metadata?.annotations?.[kustomizeDecryptAnnotation] === disabledValue;
  return { mac: sops.mac, disabled };
}

function parse(text: string, path: string): unknown[] | undefined {
  try {
    return parseYamlStream(text, path);
  } catch (error) {
    // kustomize refuses it, and says where.
    if (error instanceof YamlError) return undefined;
    throw error;
  }
}

/** A text that sops has encrypted as a whole, and the documents in it. */
interface EncryptedText {
  path: string;
  format: SopsFormat;
  text: string;
  documents: unknown[];
}

async function decryptText(
  { path, format, text, documents }: EncryptedText,
  o: Decryptor,
): Promise<string> {
  const content = Buffer.from(text);
  const plain = (await decryptFile({ name: path, content, format }, o)).toString();
  // What was readable before is no secret.
  const known = new Set(stringsIn(documents));
  for (const value of stringsIn(parse(plain, path))) if (!known.has(value)) o.onSecret(value);
  return plain;
}

/**
 * Decrypts the documents of a file of objects. One encrypted file may hold several; files encrypted one by one may
 * also have been put together, with ones that are not encrypted in between.
 */
async function decryptObjects(
  text: string,
  path: string,
  o: Decryptor,
): Promise<string | undefined> {
  const format = path.endsWith('.json') ? 'json' : 'yaml';
  const documents = parse(text, path) ?? [];
  const encryptions = documents.map(encryptionOf);
  if (encryptions.every((each) => each === undefined || each.disabled)) return undefined;
  const asOne = new Set(encryptions.map((each) => each?.mac)).size === 1;
  if (asOne && !encryptions.some((each) => each?.disabled))
    return decryptText({ path, format, text, documents }, o);
  const parts = text.split(/^---(?=\s|$)/m);
  const decrypted = await mapConcurrently(parts, concurrency, async (part) => {
    const [document] = parse(part, path) ?? [];
    const encryption = encryptionOf(document);
    if (encryption === undefined || encryption.disabled) return part;
    return `\n${await decryptText({ path, format, text: part, documents: [document] }, o)}`;
  });
  return decrypted.join('---');
}

async function decryptOne(
  { path, role, content }: EncryptedFile,
  o: Decryptor,
): Promise<Buffer | string | undefined> {
  const assumed = role === 'envFile' ? 'dotenv' : formatOfName(path);
  const format = encryptedFormat(content, assumed);
  if (format === undefined) return undefined;
  if (role === 'objects') return decryptObjects(content.toString(), path, o);
  const plain = await decryptFile({ name: path, content, format }, o);
  for (const line of plain.toString().split('\n')) o.onSecret(line.replace(/^[^=]*=/, ''));
  return plain;
}

/**
 * Decrypts, before kustomize sees them, objects, patches and files of Secret generators. So the message
 * authentication code of each file is checked, which no longer fits once kustomize has changed it.
 *
 * @returns what kustomize has to read instead of those that are encrypted, by their paths
 * @throws RetryableError BuildFailed that names the file and the fix
 */
export async function decryptFiles(
  files: readonly EncryptedFile[],
  o: Decryptor,
): Promise<Map<string, Buffer | string>> {
  const result = new Map<string, Buffer | string>();
  await mapConcurrently([...files], concurrency, async (file) => {
    const plain = await decryptOne(file, o);
    if (plain !== undefined) result.set(file.path, plain);
  });
  return result;
}
