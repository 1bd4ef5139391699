import { HttpError, readBody } from '../http.ts';
import type { RegistryClient } from './client.ts';
import { isTag } from './reference.ts';

const pageSize = 1000;
const maxPages = 100;
const maxTags = 100_000;
const maxPageBytes = 4 * 1024 * 1024;

/**
 * Lists all tags of a repository, page by page.
 *
 * @throws HttpError, RegistryAuthError as {@link RegistryClient.request}
 */
export async function listTags(client: RegistryClient): Promise<string[]> {
  const tags: string[] = [];
  let path: string | undefined = `tags/list?n=${pageSize}`;
  for (let page = 0; path !== undefined; page++) {
    if (page >= maxPages) throw new HttpError(`the list of tags has over ${maxPages} pages`);
    const response = await client.request('GET', path);
    const body = await readBody(response, maxPageBytes);
    const answer = parse(body);
    for (const tag of answer) if (isTag(tag)) tags.push(tag);
    if (tags.length > maxTags) throw new HttpError(`the repository has over ${maxTags} tags`);
    path = nextPage(response.headers['link'], response.url);
  }
  return tags;
}

function parse(body: Buffer): string[] {
  try {
    const { tags } = JSON.parse(body.toString('utf8')) as { tags?: unknown };
    if (tags === null || tags === undefined) return [];
    if (Array.isArray(tags)) return tags.filter((tag) => typeof tag === 'string');
  } catch {
    // Reported below.
  }
  throw new HttpError('the registry’s list of tags is not valid JSON');
}

/** The path of the next page; on the same host always, whatever the link says. */
export function nextPage(link: string | undefined, from: URL): string | undefined {
  const target = /<([^>]+)>\s*;\s*rel="?next"?/.exec(link ?? '')?.[1];
  const url = target === undefined ? null : URL.parse(target, from.href);
  return url === null ? undefined : `${url.pathname}${url.search}`;
}
