import { InvalidEventError, record } from './event-fields.ts';

/** Kubernetes allows 256 KiB of annotations, which Flux's senders copy; keys are those of annotations or shorter. */
const limits = { entries: 256, keyCharacters: 317, characters: 256 * 1024 };

/**
 * Checks the metadata of an event.
 *
 * @throws InvalidEventError when it is no map of texts, or too large
 */
export function checkMetadata(value: unknown): Record<string, string> | undefined {
  if (value === undefined || value === null) return undefined;
  const entries = Object.entries(record(value, 'metadata'));
  if (entries.length > limits.entries) {
    throw new InvalidEventError(
      `metadata has ${entries.length} entries: at most ${limits.entries} are allowed`,
    );
  }
  let characters = 0;
  for (const [key, item] of entries) {
    if (key.length > limits.keyCharacters) {
      throw new InvalidEventError(
        `metadata has a key of ${key.length} characters: at most ${limits.keyCharacters} are allowed`,
      );
    }
    if (typeof item !== 'string') throw new InvalidEventError(`metadata.${key} must be a string`);
    characters += key.length + item.length;
  }
  if (characters > limits.characters) {
    throw new InvalidEventError(
      `metadata has ${characters} characters: at most ${limits.characters} are allowed`,
    );
  }
  return Object.fromEntries(entries) as Record<string, string>;
}
