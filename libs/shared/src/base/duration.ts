const unitMs: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const part = /([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h)/gy;

/** Go keeps durations in an int64 of nanoseconds: nothing longer exists for Flux's clients. */
const maxMs = 9_223_372_036_854;

/**
 * Parses a Go duration such as `1h30m` or `750ms`.
 *
 * @returns milliseconds
 * @throws RangeError when the text is no duration, is negative, or is longer than Go can hold (about 292 years)
 * @see https://pkg.go.dev/time#ParseDuration
 */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  let total = 0;
  let end = 0;
  part.lastIndex = 0;
  for (let match = part.exec(text); match !== null; match = part.exec(text)) {
    total += Number(match[1]) * (unitMs[match[2] as string] as number);
    end = part.lastIndex;
  }
  if (end === 0 || end !== text.length) {
    throw new RangeError(
      `'${text}' is not a duration: use a number with a unit, such as 30s, 5m or 1h30m`,
    );
  }
  if (total > maxMs) throw new RangeError(`duration '${text}' is too long`);
  return total;
}

/** Formats milliseconds as Go does: `5s`, `1h30m0s`, `750ms`. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms === 0) return '0s';
  if (ms < 1000) return `${trim(ms)}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = `${trim((ms % 60_000) / 1000)}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

function trim(value: number): string {
  return String(Number(value.toFixed(6)));
}
