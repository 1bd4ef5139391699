import { isNamespaceName, isObjectName } from '@sluice/shared/api';
import { cut, printable } from '@sluice/shared/base';
import { jsonObject } from './checks.ts';
import { type Webhook, WebhookRefusedError } from './webhook.ts';

/** What a webhook says of a plan. */
export interface WebhookDecision {
  kind: 'Kustomization' | 'HelmRelease';
  name: string;
  namespace: string;
  planDigest: string;
  decision: 'Approve' | 'Reject';
  /** Who decides, as the sender claims. */
  user: string;
  reason?: string;
  /** The whole body, for the filter. */
  body: Record<string, unknown>;
}

/** Bytes of a body. */
const maxBytes = 16 * 1024;
const maxUser = 200;
const maxReason = 500;
const maxShown = 50;

const fields = ['kind', 'name', 'namespace', 'planDigest', 'decision', 'user', 'reason'] as const;

type Field = (typeof fields)[number];
type Body = Record<string, unknown>;

/**
 * Reads the body of a webhook that decides about a plan. Nothing is guessed: all fields but `namespace` and `reason` have to
 * be there, and no other may be.
 *
 * @param ownNamespace where the target is unless the body says
 * @throws WebhookRefusedError that names the field
 */
export function readDecision({ body: bytes }: Webhook, ownNamespace: string): WebhookDecision {
  if (bytes.length > maxBytes)
    throw new WebhookRefusedError(`the body has ${bytes.length} bytes, more than ${maxBytes}`);
  const body = jsonObject(bytes);
  const unknown = Object.keys(body).find((name) => !fields.some((known) => known === name));
  if (unknown !== undefined)
    throw new WebhookRefusedError(
      `the field '${cut(printable(unknown), maxShown)}' is not known: use ${fields.join(', ')}`,
    );
  const { namespace = ownNamespace, reason } = body;
  return {
    kind: oneOf(body, 'kind', ['Kustomization', 'HelmRelease']),
    name: textThat(isObjectName, body, 'name'),
    namespace: textThat(isNamespaceName, { namespace }, 'namespace'),
    planDigest: textThat((text) => /^sha256:[0-9a-f]{64}$/.test(text), body, 'planDigest'),
    decision: oneOf(body, 'decision', ['Approve', 'Reject']),
    user: wordsIn(body, 'user', maxUser),
    ...(reason !== undefined && { reason: wordsIn(body, 'reason', maxReason) }),
    body,
  };
}

function oneOf<T extends string>(body: Body, field: Field, values: readonly T[]): T {
  const found = values.find((value) => value === body[field]);
  if (found !== undefined) return found;
  throw new WebhookRefusedError(`the field ${field} is none of ${values.join(', ')}`);
}

function textThat(fits: (text: string) => boolean, body: Body, field: Field): string {
  const value = body[field];
  if (typeof value === 'string' && fits(value)) return value;
  throw new WebhookRefusedError(`the field ${field} is missing or has another form`);
}

/** What somebody wrote, on one line and cut. */
function wordsIn(body: Body, field: Field, max: number): string {
  const value = body[field];
  const text = typeof value === 'string' ? printable(value).replace(/\s+/g, ' ').trim() : '';
  if (text !== '') return cut(text, max);
  throw new WebhookRefusedError(`the field ${field} is missing, empty or no text`);
}
