import { parseKey } from '@sluice/shared/kube';

/** How many keys of one share, which is a namespace, may be worked on at a time. */
export class Shares {
  readonly #perShare: number;
  readonly #running = new Map<string, number>();

  constructor(perShare: number) {
    this.#perShare = perShare;
  }

  /** How many keys of a share are being worked on. */
  running(share: string): number {
    return this.#running.get(share) ?? 0;
  }

  isFull(share: string): boolean {
    return this.running(share) >= this.#perShare;
  }

  taken(key: string): void {
    const share = shareOf(key);
    this.#running.set(share, this.running(share) + 1);
  }

  finished(key: string): void {
    const share = shareOf(key);
    const left = this.running(share) - 1;
    if (left > 0) this.#running.set(share, left);
    else this.#running.delete(share);
  }
}

/** Returns the share of a key: its namespace. */
export function shareOf(key: string): string {
  return parseKey(key).namespace ?? '';
}
