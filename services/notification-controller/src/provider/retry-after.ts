type Headers = Record<string, string | string[] | undefined>;

const maxMs = 60 * 60_000;

/**
 * Reads from a refusal when the service wants to be asked again: from `Retry-After`, from the usual headers of rate
 * limits, or from the fields of chats that say it in the body.
 *
 * @returns milliseconds, an hour at most; undefined when it does not say
 */
export function retryAfterMs(
  { status, headers, body }: { status: number; headers: Headers; body: string },
  nowMs = Date.now(),
): number | undefined {
  const ms =
    fromText(headers['retry-after'], nowMs) ??
    fromReset(headers, nowMs) ??
    (status === 429 ? fromBody(body) : undefined);
  return ms !== undefined && ms > 0 ? Math.min(ms, maxMs) : undefined;
}

/** Seconds, or a date. */
function fromText(header: Headers[string], nowMs: number): number | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  if (!text) return undefined;
  if (/^[0-9]+(\.[0-9]+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time - nowMs;
}

/** GitHub and GitLab name the second at which requests are allowed again. */
function fromReset(headers: Headers, nowMs: number): number | undefined {
  for (const prefix of ['x-ratelimit', 'ratelimit']) {
    const reset = Number(headers[`${prefix}-reset`]);
    if (headers[`${prefix}-remaining`] === '0' && reset > 1e9) return reset * 1000 - nowMs;
  }
  return undefined;
}

/** Telegram and Discord count in seconds, Matrix in milliseconds. */
function fromBody(body: string): number | undefined {
  let answer: Record<string, unknown> | null;
  try {
    answer = JSON.parse(body) as typeof answer;
  } catch {
    return undefined;
  }
  const parameters = answer?.['parameters'] as Record<string, unknown> | undefined;
  const seconds = parameters?.['retry_after'] ?? answer?.['retry_after'];
  if (typeof seconds === 'number') return Math.ceil(seconds * 1000);
  const ms = answer?.['retry_after_ms'];
  return typeof ms === 'number' ? ms : undefined;
}
