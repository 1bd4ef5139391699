import { isDeepStrictEqual } from 'node:util';
import { parseYamlStream, YamlError } from '@sluice/shared/base';
import { SopsError, type SopsFile } from './sops-file.ts';
import { checkKeys, isServiceKind, type Metadata } from './sops-keys.ts';

/** Largest encrypted file in bytes, as in Flux. */
const maxBytes = 5 * 1024 * 1024;

/**
 * Reads what sops says about a file, refuses what age keys cannot decrypt, and takes all other keys out: whatever
 * becomes of the age keys then, the program has no address that it could ask. Metadata is not part of the message
 * authentication code.
 *
 * @returns the content for the program; the file's own unless it has other keys
 * @throws SopsError that names the file, the kind of key and the fix
 */
export function ageOnly(file: SopsFile): Buffer {
  if (file.content.length > maxBytes) {
    throw new SopsError(
      `'${file.name}' is larger than ${maxBytes} bytes: encrypted files may not be`,
    );
  }
  switch (file.format) {
    case 'yaml':
      return fromYaml(file);
    case 'json':
    case 'binary':
      return fromJson(file);
    case 'dotenv':
      return fromLines(file, readDotenv(file));
    case 'ini':
      return fromLines(file, readIni(file));
  }
}

function unreadable({ name, format }: SopsFile): SopsError {
  return new SopsError(
    `'${name}' is no valid sops file of format ${format}, or not in the form in which sops writes it: run sops decrypt on it`,
  );
}

function metadataIn(document: unknown): Metadata | undefined {
  const { sops } = (document ?? {}) as { sops?: unknown };
  return typeof sops === 'object' && sops !== null ? (sops as Metadata) : undefined;
}

/** Takes keys of other kinds out of a copy of metadata. */
function emptied(metadata: Metadata): Metadata {
  return Object.fromEntries(
    Object.entries(metadata).map(([field, value]) => {
      if (isServiceKind(field)) return [field, []];
      if (field !== 'key_groups' || !Array.isArray(value)) return [field, value];
      return [field, value.map((group) => emptied(group as Metadata))];
    }),
  );
}

function parseYaml(text: string, file: SopsFile): unknown[] {
  try {
    return parseYamlStream(text, file.name);
  } catch (error) {
    if (error instanceof YamlError) throw unreadable(file);
    throw error;
  }
}

function fromYaml(file: SopsFile): Buffer {
  const text = file.content.toString('utf8');
  const documents = parseYaml(text, file);
  const found = documents.map(metadataIn).filter((metadata) => metadata !== undefined);
  if (found.length === 0) throw unreadable(file);
  const others = found.map((metadata) => checkKeys(metadata, file.name));
  if (!others.includes(true)) return file.content;
  const expected = documents.map((document) => {
    const metadata = metadataIn(document);
    return metadata ? { ...(document as object), sops: emptied(metadata) } : document;
  });
  // Edited as text, because writing it anew would change what the authentication code is over.
  const edited = emptyInYaml(text);
  if (!isDeepStrictEqual(parseYaml(edited, file), expected)) throw unreadable(file);
  return Buffer.from(edited);
}

/** Empties the lists of other keys in blocks `sops:` as sops writes them. */
function emptyInYaml(text: string): string {
  const result: string[] = [];
  let inMetadata = false;
  let skipDeeperThan = -1;
  for (const line of text.split('\n')) {
    const indent = line.search(/[^ ]/);
    if (skipDeeperThan >= 0) {
      const isItem = indent === skipDeeperThan && line.startsWith('- ', indent);
      if (indent < 0 || indent > skipDeeperThan || isItem) continue;
      skipDeeperThan = -1;
    }
    if (indent === 0) inMetadata = /^sops:\s*$/.test(line);
    const [, before, field] = /^( +(?:- +)?)([a-z_]+):/.exec(line) ?? [];
    if (inMetadata && before !== undefined && field !== undefined && isServiceKind(field)) {
      result.push(`${before}${field}: []`);
      skipDeeperThan = before.length;
    } else result.push(line);
  }
  return result.join('\n');
}

/** What `JSON.parse` tells of a number, and `JSON.rawJSON`, both of which the type library lacks. */
type Reviver = (key: string, value: unknown, context: { source: string }) => unknown;
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
const exactNumbers: Reviver = (_, value, { source }) =>
  typeof value === 'number' ? rawJSON(source) : value;

function fromJson(file: SopsFile): Buffer {
  const text = file.content.toString('utf8');
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    // The parser's message quotes the content.
    throw unreadable(file);
  }
  const metadata = metadataIn(document);
  if (metadata === undefined || Array.isArray(metadata)) throw unreadable(file);
  if (!checkKeys(metadata, file.name)) return file.content;
  const exact = JSON.parse(text, exactNumbers as never) as { sops: Metadata };
  return Buffer.from(JSON.stringify({ ...exact, sops: emptied(exact.sops) }));
}

/** Lines of a format that keeps metadata flat: those that have no metadata, and the fields of the others. */
interface FlatLines {
  lines: string[];
  /** The field of each line, such as `hc_vault__list_0__map_enc`; undefined for a line of the content. */
  fields: (string | undefined)[];
}

function readDotenv({ content }: SopsFile): FlatLines {
  const lines = content.toString('utf8').split('\n');
  return { lines, fields: lines.map((line) => /^sops_([^=]*)=/.exec(line)?.[1]) };
}

function readIni(file: SopsFile): FlatLines {
  const lines = file.content.toString('utf8').split('\n');
  const sections = lines.flatMap((line, at) => (/^\s*\[.*sops/i.test(line) ? [at] : []));
  const [start = lines.length] = sections;
  if (sections.length !== 1 || lines[start]?.trim() !== '[sops]') throw unreadable(file);
  const fields = lines.map((line, at) => {
    if (at <= start || line.trim() === '' || /^[;#]/.test(line)) return undefined;
    const field = /^([A-Za-z0-9_]+) *= /.exec(line)?.[1];
    // Anything else, another section too, is not what sops writes behind its own.
    if (field === undefined) throw unreadable(file);
    return field;
  });
  return { lines, fields };
}

const separator = /__(?:map|list)_/;

function fromLines(file: SopsFile, { lines, fields }: FlatLines): Buffer {
  const metadata: Metadata = Object.create(null);
  for (const field of fields) if (field !== undefined) place(metadata, field.split(separator));
  if (Object.keys(metadata).length === 0) throw unreadable(file);
  if (!checkKeys(metadata, file.name)) return file.content;
  const kept = lines.filter((_, at) => !(fields[at]?.split(separator) ?? []).some(isServiceKind));
  return Buffer.from(kept.join('\n'));
}

function place(into: Metadata, [name = '', ...rest]: string[]): void {
  if (rest.length === 0) {
    into[name] = 'present';
    return;
  }
  const nested = into[name];
  const next = typeof nested === 'object' && nested !== null ? nested : Object.create(null);
  into[name] = next;
  place(next as Metadata, rest);
}
