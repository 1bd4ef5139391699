import type { FluxEvent } from '@sluice/shared/api';

/** Keeps the events that leave a controller. */
export class EventLog {
  readonly events: FluxEvent[] = [];
  readonly #listeners = new Set<() => void>();

  async publish(event: FluxEvent): Promise<void> {
    this.events.push(event);
    for (const listener of this.#listeners) listener();
  }

  /** Waits for an event, one that came already included. */
  when(predicate: (event: FluxEvent) => boolean): Promise<FluxEvent> {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.events.find(predicate);
        if (found === undefined) return;
        this.#listeners.delete(look);
        resolve(found);
      };
      this.#listeners.add(look);
      look();
    });
  }
}
