/** A commit of a repository, as far as a link to it needs. */
export interface Commit {
  /** Address of the repository, as it is cloned. */
  repository: string;
  sha: string;
}

/** What a link is made of. */
export interface LinkParts {
  /** Scheme and host of the web pages. */
  origin: string;
  host: string;
  /** Of the repository, without `.git`, with a slash before it. */
  path: string;
  sha: string;
}

/** Hosts that only speak SSH, and where the pages are. */
const webHosts: Record<string, string> = {
  'ssh.github.com': 'github.com',
  'altssh.gitlab.com': 'gitlab.com',
  'altssh.bitbucket.org': 'bitbucket.org',
};

/** Ways of services to name the page of a commit, the first that knows the repository counts. */
const patterns: ((parts: LinkParts) => string | undefined)[] = [
  azure,
  bitbucketServer,
  on(/(^|[.-])bitbucket([.-]|$)/, 'commits'),
  on(/(^|[.-])github([.-]|$)/, 'commit'),
  on(/(^|[.-])gitlab([.-]|$)/, '-/commit'),
  on(/(^|[.-])(gitea|forgejo|gogs|codeberg)([.-]|$)/, 'commit'),
];

/**
 * Returns the address of a commit's page at GitHub, GitLab, Gitea, Forgejo, Bitbucket or Azure DevOps, their own hosts or
 * others that are named after them; undefined for any other host.
 */
export function commitUrl(commit: Commit): string | undefined {
  const parts = linkParts(commit);
  if (parts === undefined) return undefined;
  for (const pattern of patterns) {
    const url = pattern(parts);
    if (url !== undefined) return url;
  }
  return undefined;
}

/** Takes the address of a repository apart; undefined when it is none of HTTP or SSH. */
export function linkParts({ repository, sha }: Commit): LinkParts | undefined {
  const url = URL.parse(repository);
  if (url === null || !/^(https?|ssh):$/.test(url.protocol) || url.hostname === '')
    return undefined;
  const isSsh = url.protocol === 'ssh:';
  // The port of SSH says nothing of that of the pages.
  const name = isSsh ? url.hostname : url.host;
  const host = webHosts[name] ?? name;
  const path = url.pathname.replace(/\/+$/, '').replace(/\.git$/, '');
  return { origin: `${isSsh ? 'https:' : url.protocol}//${host}`, host, path, sha };
}

/** The page below the repository's own, at hosts of a name. */
function on(name: RegExp, page: string) {
  return ({ origin, host, path, sha }: LinkParts): string | undefined =>
    name.test(host) && /^\/[^/]+\/[^/]/.test(path) ? `${origin}${path}/${page}/${sha}` : undefined;
}

function azure({ origin, host, path, sha }: LinkParts): string | undefined {
  if (!/(^|\.)(dev\.azure|visualstudio)\.com$/.test(host)) return undefined;
  const [, organization, project, repository] =
    /^\/v3\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  if (repository !== undefined) {
    return `https://dev.azure.com/${organization}/${project}/_git/${repository}/commit/${sha}`;
  }
  return path.includes('/_git/') ? `${origin}${path}/commit/${sha}` : undefined;
}

/** The address of a clone over HTTP has `/scm/` before project and repository. */
function bitbucketServer({ origin, path, sha }: LinkParts): string | undefined {
  const [, context, project, repository] = /^(.*)\/scm\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  if (project === undefined) return undefined;
  const owner = project.startsWith('~') ? `users/${project.slice(1)}` : `projects/${project}`;
  return `${origin}${context}/${owner}/repos/${repository}/commits/${sha}`;
}
