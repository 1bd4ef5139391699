/** Most things that a text names. */
const maxNamed = 5;

/** What an action waits for at present, for people to read. Asked only when somebody looks, so that waiting costs nothing. */
export class Waits {
  readonly #lists = new Set<() => string[]>();

  /**
   * Notes a wait.
   *
   * @param list names what it still waits for, without secret values
   * @returns ends it
   */
  begin(list: () => string[]): () => void {
    this.#lists.add(list);
    return () => this.#lists.delete(list);
  }

  /** Returns what is waited for as `[one, two]`, of many the first and a count; undefined when nothing is. */
  describe(): string | undefined {
    const all = [...this.#lists].flatMap((list) => list());
    return all.length === 0 ? undefined : shownList(all, maxNamed);
  }
}

/** Returns names as `[one, two]`; of more than `most` those, and how many more there are. */
export function shownList(names: readonly string[], most: number): string {
  const more = names.length > most ? ` and ${names.length - most} more` : '';
  return `[${names.slice(0, most).join(', ')}${more}]`;
}
