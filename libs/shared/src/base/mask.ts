import { formsOf } from './mask-forms.ts';

/** What stands in place of a secret value. */
export const secretMask = '*****';

/** Shorter values occur in ordinary text; masking them would make every message unreadable. */
const minSecretLength = 4;

/** Finds known texts, however many there are: by their first characters, then by their lengths. */
class TextIndex {
  readonly #texts = new Set<string>();
  /** Lengths of the texts with a beginning, longest first. */
  readonly #lengths = new Map<string, number[]>();

  add(text: string): void {
    if (text.length < minSecretLength || this.#texts.has(text)) return;
    this.#texts.add(text);
    const start = text.slice(0, minSecretLength);
    const lengths = this.#lengths.get(start) ?? [];
    if (!lengths.includes(text.length)) lengths.push(text.length);
    lengths.sort((a, b) => b - a);
    this.#lengths.set(start, lengths);
  }

  /** Returns the length of the longest known text at a position; 0 when there is none. */
  matchAt(text: string, at: number): number {
    const lengths = this.#lengths.get(text.slice(at, at + minSecretLength)) ?? [];
    return lengths.find((length) => this.#texts.has(text.slice(at, at + length))) ?? 0;
  }
}

/** Replaces known secret values in texts, in every form in which programs repeat them (see `formsOf`). */
export class SecretMasker {
  readonly #values = new Set<string>();
  #index: TextIndex | undefined;

  /** Adds a value; one that is too short to tell from ordinary text is left out. */
  add(value: string): void {
    if (value.trim().length < minSecretLength || this.#values.has(value)) return;
    this.#values.add(value);
    this.#index = undefined;
  }

  /** Returns the text with everything masked that is part of a known value. */
  mask(text: string): string {
    if (this.#values.size === 0) return text;
    const index = this.#compiled();
    let masked = '';
    let copied = 0;
    let secretEnd = 0;
    for (let at = 0; at < text.length; at++) {
      const length = index.matchAt(text, at);
      if (length === 0) continue;
      // One that overlaps with the last, or follows it at once, is masked together with it.
      if (at > secretEnd || secretEnd === 0) {
        masked += text.slice(copied, at) + secretMask;
      }
      secretEnd = Math.max(secretEnd, at + length);
      copied = secretEnd;
    }
    return masked + text.slice(copied);
  }

  #compiled(): TextIndex {
    if (this.#index !== undefined) return this.#index;
    const index = new TextIndex();
    for (const value of this.#values) for (const form of formsOf(value)) index.add(form);
    this.#index = index;
    return index;
  }
}

/** Returns a URL without user, password, query and fragment, which may carry secrets. */
export function redactUrl(url: string): string {
  if (!URL.canParse(url)) return '<invalid URL>';
  const parsed = new URL(url);
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
}
