import { type Alert, type FluxEvent, sourceRevisionFact, sourceUrlFact } from '@sluice/shared/api';
import { compileTemplate } from '../template/compile-template.ts';
import { Struct } from '../template/values.ts';
import { type Commit, commitUrl, linkParts } from './commit-url.ts';
import { isTemplateProblem } from './render-message.ts';

/**
 * The address of the page of the commit that an event is about, as `spec.commitURLTemplate` of the Alert says or as the
 * service of the repository has it; undefined when it cannot be known.
 */
export function commitLink(
  event: FluxEvent,
  facts: Record<string, string>,
  { spec: { commitURLTemplate } }: Alert,
): string | undefined {
  const repository = facts[sourceUrlFact];
  const sha = commitOf(event, facts);
  if (repository === undefined || sha === undefined) return undefined;
  const commit = { repository, sha };
  if (!commitURLTemplate) return commitUrl(commit);
  try {
    return templatedUrl(commitURLTemplate, commit);
  } catch (error) {
    if (!isTemplateProblem(error)) throw error;
    return undefined;
  }
}

/**
 * Makes the address of a commit's page.
 *
 * @returns undefined when what the template makes is no address of a web page
 * @throws TemplateError, BudgetError
 */
export function templatedUrl(template: string, commit: Commit): string | undefined {
  const parts = linkParts(commit);
  if (parts === undefined) return undefined;
  const { origin, host, path, sha } = parts;
  const data = { Repository: `${origin}${path}`, Host: host, Path: path, Commit: sha };
  const url = URL.parse(compileTemplate(template).render(new Struct('the data', data)).trim());
  return url !== null && /^https?:$/.test(url.protocol) ? url.href : undefined;
}

/** Only a Git commit is one: the digest of an artifact looks alike. */
function commitOf({ metadata = {} }: FluxEvent, facts: Record<string, string>): string | undefined {
  const revision =
    facts[sourceRevisionFact] ?? metadata['originRevision'] ?? metadata['revision'] ?? '';
  return /(?:^|[@/])(?:sha1:)?([0-9a-f]{40})$/.exec(revision)?.[1];
}
