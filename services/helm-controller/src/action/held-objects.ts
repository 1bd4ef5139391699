import { formatObjectId, type ObjectId } from '@sluice/shared/engine';

/**
 * What a HelmRelease has in the cluster beyond what its status lists already: what its actions in this process have
 * applied, hooks included. Naming an object in a manifest gives no claim to it, applying it does.
 */
export class HeldObjects {
  readonly #ids = new Set<string>();

  /** @param id formatted */
  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /**
   * Counts an object from now on, just before it is applied, so that its former owner sees that it moves.
   *
   * @returns what to call when it was refused or passed over; what was held before stays so
   */
  claim(id: ObjectId): () => void {
    const text = formatObjectId(id);
    if (this.#ids.has(text)) return () => undefined;
    this.#ids.add(text);
    return () => this.#ids.delete(text);
  }

  /** Forgets everything but these objects, by their formatted ids. */
  keepOnly(ids: Iterable<string>): void {
    this.#ids.clear();
    for (const id of ids) this.#ids.add(id);
  }
}
