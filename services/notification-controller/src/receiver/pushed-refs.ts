import type { KubeObject } from '@sluice/shared/api';
import { headerOf } from './checks.ts';
import type { Webhook } from './webhook.ts';

type Fields = Record<string, unknown>;

/** The branch of a GitRepository that names nothing else. */
const defaultBranch = 'master';

/**
 * The branches and tags that a webhook says were pushed, such as `refs/heads/main`; none when it is about something
 * else, or is no JSON, also not in the field `payload` of a form.
 *
 * @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
 * @see https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html
 */
export function pushedRefs({ headers, body }: Webhook): string[] {
  const { ref, changes } = fieldsOf(parsed(textOf(headers, body)));
  const changed = Array.isArray(changes) ? changes : [];
  const named = [ref, ...changed.map((change) => fieldsOf(fieldsOf(change)['ref'])['id'])];
  return named.filter((name) => typeof name === 'string' && name.startsWith('refs/')) as string[];
}

/**
 * Whether what a GitRepository follows is among what was pushed. One that follows a commit alone moves with no push.
 *
 * @param repository with its spec
 */
export function follows(repository: KubeObject, refs: readonly string[]): boolean {
  const spec = fieldsOf((repository as { spec?: unknown }).spec);
  const { name, semver, tag, branch, commit } = fieldsOf(spec['ref']) as Record<string, string>;
  if (name) return refs.includes(name);
  if (semver) return refs.some((ref) => ref.startsWith('refs/tags/'));
  if (tag) return refs.includes(`refs/tags/${tag}`);
  if (commit && !branch) return false;
  return refs.includes(`refs/heads/${branch || defaultBranch}`);
}

function textOf(headers: Webhook['headers'], body: Buffer): string {
  const isForm = headerOf(headers, 'content-type').startsWith('application/x-www-form-urlencoded');
  return isForm ? (new URLSearchParams(body.toString()).get('payload') ?? '') : body.toString();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
