import type { Artifact, HelmRepository } from '@sluice/shared/api';
import { LruBytes } from '@sluice/shared/base';
import type { IndexFacts, StoredIndex } from './fetch-index.ts';

const maxKnown = 5000;

/**
 * Remembers what servers said of the indexes that are stored, so that one that stays the same is not sent again. It is
 * forgotten with the process, and with every change of the object: another address is another index.
 */
export class KnownIndexes {
  readonly #known = new LruBytes<IndexFacts>(maxKnown);

  /** The stored index of an object; undefined when nothing is remembered of it. */
  find(object: HelmRepository, artifact: Artifact | undefined): StoredIndex | undefined {
    const known = this.#known.get(keyOf(object));
    if (artifact === undefined || known?.revision !== artifact.revision) return undefined;
    return { ...known, artifact };
  }

  note(object: HelmRepository, { revision, size, validators }: IndexFacts): void {
    this.#known.set(keyOf(object), { revision, size, validators }, 1);
  }
}

function keyOf({ metadata: { uid, generation } }: HelmRepository): string {
  return `${uid}/${generation}`;
}
