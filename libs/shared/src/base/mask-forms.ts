/** Shorter lines and parts of base64 are too ordinary to be masked. */
const minPartLength = 8;
/** Columns at which programs wrap base64. */
const wrappedAt = [64, 76];
const plainText = /^[\w.-]*$/;

/**
 * Returns the forms in which programs repeat a value: as it stands, trimmed, on one line, each of its lines, as a string
 * of JSON, Go or a URL, and as base64, alone or within something that was encoded as a whole.
 */
export function formsOf(value: string): Set<string> {
  const forms = new Set<string>();
  for (const text of plainForms(value)) {
    forms.add(text);
    // Most values look the same however they are quoted.
    if (!plainText.test(text)) {
      for (const form of [...quotedForms(text), encoded(text)]) forms.add(form);
    }
  }
  for (const text of new Set([value, value.trim()])) {
    for (const form of base64Forms(text)) forms.add(form);
  }
  return forms;
}

function plainForms(value: string): Set<string> {
  const trimmed = value.trim();
  const forms = new Set([value, trimmed]);
  if (!/[\r\n]/.test(trimmed)) return forms;
  forms.add(trimmed.replaceAll('\r\n', '\n'));
  for (const glue of ['', ' ', '; ']) forms.add(trimmed.replaceAll(/\r?\n/g, glue));
  for (const line of trimmed.split(/\r?\n/)) {
    if (line.trim().length >= minPartLength) forms.add(line.trim());
  }
  return forms;
}

/** Without the quotes around, which may be others. */
function quotedForms(text: string): string[] {
  const json = JSON.stringify(text).slice(1, -1);
  // Go's JSON escapes what HTML gives a meaning to.
  const htmlSafe = json.replaceAll(/[<>&\u2028\u2029]/g, hexEscape);
  return [json, htmlSafe, goQuoted(text)];
}

function hexEscape(char: string): string {
  return `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
}

const goEscapes: Record<string, string> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
  '\v': '\\v',
  '\u0007': '\\a',
};

/** As Go's %q; characters that cannot be printed as it escapes those below 128. */
function goQuoted(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped
  return text.replaceAll(/[\\"\u0000-\u001f\u007f]/g, (char) => {
    const code = char.charCodeAt(0).toString(16).padStart(2, '0');
    return goEscapes[char] ?? `\\x${code}`;
  });
}

function encoded(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    // Half of a surrogate pair has no such form.
    return text;
  }
}

function base64Forms(text: string): string[] {
  const bytes = Buffer.from(text);
  const whole = bytes.toString('base64');
  const parts = [withinAt(bytes, 0), withinAt(bytes, 1), withinAt(bytes, 2)];
  for (const columns of wrappedAt) {
    if (whole.length > columns) parts.push(...chunksOf(whole, columns));
  }
  const useful = parts.filter((part) => part.length >= minPartLength);
  const forms = [whole, whole.replace(/=+$/, ''), ...useful];
  const forUrls = forms.filter((form) => /[+/]/.test(form));
  return [...forms, ...forUrls.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))];
}

/** Returns the part of the base64 of a longer text, in which a value stands, that does not depend on what is around it. */
function withinAt(bytes: Buffer, before: 0 | 1 | 2): string {
  const padded = before === 0 ? bytes : Buffer.concat([Buffer.alloc(before), bytes]);
  const first = Math.ceil((before * 8) / 6);
  const last = Math.floor((padded.length * 8) / 6);
  return padded.toString('base64').slice(first, last);
}

function chunksOf(text: string, length: number): string[] {
  const chunks: string[] = [];
  for (let at = 0; at < text.length; at += length) chunks.push(text.slice(at, at + length));
  return chunks;
}
