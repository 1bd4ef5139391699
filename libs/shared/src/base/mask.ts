/** What stands in place of a secret value. */
export const secretMask = '*****';

/** Shorter values occur in ordinary text; masking them would make every message unreadable. */
const minSecretLength = 4;

/** Replaces known secret values in texts. */
export class SecretMasker {
  readonly #values = new Set<string>();

  /** Adds a value, and its base64 form, in which Secrets carry it. */
  add(value: string): void {
    const trimmed = value.trim();
    if (trimmed.length < minSecretLength) return;
    this.#values.add(value);
    this.#values.add(trimmed);
    this.#values.add(Buffer.from(value).toString('base64'));
  }

  /** Returns the text with each known value masked, longer ones first. */
  mask(text: string): string {
    const longestFirst = [...this.#values].sort((a, b) => b.length - a.length);
    return longestFirst.reduce((masked, value) => masked.replaceAll(value, secretMask), text);
  }
}

/** Returns a URL without user, password, query and fragment, which may carry secrets. */
export function redactUrl(url: string): string {
  if (!URL.canParse(url)) return '<invalid URL>';
  const parsed = new URL(url);
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
}
