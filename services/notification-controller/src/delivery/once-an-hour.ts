const hourMs = 60 * 60_000;
/** Keys that are remembered; the oldest go first. */
const maxKeys = 1_000;

/** Makes the function that says for each key, at most once an hour, that it is due. */
export function onceAnHour(now: () => number = Date.now): (key: string) => boolean {
  const last = new Map<string, number>();
  return (key) => {
    const at = last.get(key);
    if (at !== undefined && now() - at < hourMs) return false;
    last.delete(key);
    last.set(key, now());
    for (const oldest of last.keys()) {
      if (last.size <= maxKeys) break;
      last.delete(oldest);
    }
    return true;
  };
}
