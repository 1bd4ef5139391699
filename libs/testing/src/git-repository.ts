import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';

/**
 * A file of a commit: text, bytes, or either with a mode (`120000` is a symbolic link to its content, `160000` a
 * submodule at the commit that its content names).
 */
export type GitFile =
  | string
  | Uint8Array
  | { content: string | Uint8Array; mode: '100644' | '100755' | '120000' | '160000' };

export interface CommitOptions {
  files?: Record<string, GitFile>;
  /** Paths to remove; a folder goes with everything in it. */
  remove?: string[];
  message?: string;
  /** `main` when absent; created from `main` when it does not exist yet. */
  branch?: string;
  /** Also sets this tag: a name is a lightweight tag, with a message it is an annotated one. */
  tag?: string | { name: string; message: string };
  author?: { name: string; email: string /** Seconds since the epoch. */; time?: number };
}

export interface GitRepository {
  /** The bare repository's folder. */
  readonly dir: string;
  /** Commits on top of a branch and returns the new commit's hash. */
  commit(options: CommitOptions): Promise<string>;
  /** Moves a branch back, or anywhere, as a force push does. */
  setRef(ref: string, sha: string): Promise<void>;
  /** Commits the state that the branch had before its last commit; returns the new commit's hash. */
  revert(branch?: string): Promise<string>;
  /** Deletes a full ref name, such as `refs/tags/v1`. */
  deleteRef(ref: string): Promise<void>;
  /** The hash that a revision names. */
  resolve(revision: string): Promise<string>;
  /** Runs any git command in the repository and returns what it printed. */
  git(args: string[], input?: string | Uint8Array): Promise<string>;
}

const author = { name: 'Test Author', email: 'author@example.com' };

/** Creates an empty bare repository in `dir` whose default branch is `main`. */
export async function createGitRepository(dir: string): Promise<GitRepository> {
  await mkdir(dir, { recursive: true });
  const git = (args: string[], input?: string | Uint8Array) => runGit(dir, args, input);
  await git(['init', '--quiet', '--bare', '--initial-branch=main']);
  await git(['config', 'http.receivepack', 'true']);
  await git(['config', 'uploadpack.allowAnySHA1InWant', 'true']);
  await git(['config', 'uploadpack.allowFilter', 'true']);
  const resolve = async (revision: string) =>
    (await git(['rev-parse', '--verify', '--quiet', `${revision}^{}`])).trim();
  const find = (revision: string) => resolve(revision).catch(() => undefined);
  return {
    dir,
    git,
    resolve,
    async commit(options) {
      const branch = `refs/heads/${options.branch ?? 'main'}`;
      const parent = (await find(branch)) ?? (await find('refs/heads/main'));
      await git(['fast-import', '--quiet', '--force'], importStream(branch, parent, options));
      return resolve(branch);
    },
    async setRef(ref, sha) {
      await git(['update-ref', ref, sha]);
    },
    async revert(branch = 'main') {
      const ref = `refs/heads/${branch}`;
      const message = ['-m', 'Revert the last commit'];
      const sha = await git(['commit-tree', `${ref}~1^{tree}`, '-p', ref, ...message]);
      await git(['update-ref', ref, sha.trim()]);
      return sha.trim();
    },
    async deleteRef(ref) {
      await git(['update-ref', '-d', ref]);
    },
  };
}

/** The commit in the format of `git fast-import`: one process, however many files. */
function importStream(
  branch: string,
  parent: string | undefined,
  options: CommitOptions,
): Uint8Array {
  const chunks: Uint8Array[] = [];
  const line = (text: string) => chunks.push(Buffer.from(`${text}\n`));
  const data = (content: string | Uint8Array) => {
    const bytes = Buffer.from(content);
    line(`data ${bytes.length}`);
    chunks.push(bytes, Buffer.from('\n'));
  };
  const who = options.author ?? author;
  const when = `${options.author?.time ?? Math.floor(Date.now() / 1000)} +0000`;
  line(`commit ${branch}`);
  line('mark :1');
  line(`author ${who.name} <${who.email}> ${when}`);
  line(`committer ${who.name} <${who.email}> ${when}`);
  data(options.message ?? 'Change files');
  if (parent) line(`from ${parent}`);
  for (const path of options.remove ?? []) line(`D ${JSON.stringify(path)}`);
  for (const [path, file] of Object.entries(options.files ?? {})) {
    const { content, mode } = fileOf(file);
    if (mode === '160000') {
      line(`M ${mode} ${content} ${JSON.stringify(path)}`);
      continue;
    }
    line(`M ${mode} inline ${JSON.stringify(path)}`);
    data(content);
  }
  if (typeof options.tag === 'string') {
    line(`reset refs/tags/${options.tag}`);
    line('from :1');
  } else if (options.tag) {
    line(`tag ${options.tag.name}`);
    line('from :1');
    line(`tagger ${who.name} <${who.email}> ${when}`);
    data(options.tag.message);
  }
  return Buffer.concat(chunks);
}

function fileOf(file: GitFile): { content: string | Uint8Array; mode: string } {
  if (typeof file === 'string' || file instanceof Uint8Array) {
    return { content: file, mode: '100644' };
  }
  return file;
}

async function runGit(
  cwd: string,
  args: string[],
  input: string | Uint8Array = '',
): Promise<string> {
  const child = spawn('git', args, { cwd, env: gitEnvironment(), stdio: ['pipe', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  // git may end without reading its input; its exit code tells what happened.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) {
    throw new Error(
      `git ${args.join(' ')} ended with ${code}: ${Buffer.concat(stderr).toString()}`,
    );
  }
  return Buffer.concat(stdout).toString();
}

/** The only environment git sees, so that nobody's configuration changes a test. */
export function gitEnvironment(): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_COMMITTER_NAME: author.name,
    GIT_COMMITTER_EMAIL: author.email,
  };
}
