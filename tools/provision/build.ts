import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  access,
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { moduleDirOf, pinnedVersion, programsDir, recipeOf, type ToolName } from './catalogue.ts';
import { withLock } from './lock.ts';

export interface BuildContext {
  env: Record<string, string | undefined>;
  /** Told what is going on, one line at a time. */
  onProgress: (line: string) => void;
}

const buildTimeoutMs = 30 * 60_000;
const reportEveryMs = 30_000;

/** Folder that keeps the built tools between runs. */
export function cacheDir(env: Record<string, string | undefined>): string {
  const base = env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache');
  return join(base, 'sluice', 'tools');
}

/**
 * Where the build of a tool is kept: the key covers everything that decides what the binary is.
 *
 * @param name the tool
 * @param env where XDG_CACHE_HOME and HOME are read
 */
export async function cachedPath(
  name: ToolName,
  env: Record<string, string | undefined>,
): Promise<string> {
  const version = pinnedVersion(name);
  const digest = createHash('sha256')
    .update(await readFile(join(moduleDirOf(name), 'go.mod')))
    .update(await readFile(join(moduleDirOf(name), 'go.sum')))
    .update(await ownSource(name))
    .update(JSON.stringify([...buildArguments(name), recipeOf(name).generatedFiles ?? []].flat()))
    .update(`${process.platform}-${process.arch}`)
    .digest('hex')
    .slice(0, 16);
  return join(cacheDir(env), `${name}-${version}-${digest}`, name);
}

/** What a program of ours is made of besides its libraries; nothing for the tools of others. */
async function ownSource(name: ToolName): Promise<string> {
  const { own, package: main } = recipeOf(name);
  if (main !== '.') return '';
  const texts: string[] = [];
  for (const dir of [...(own ? [join(programsDir, 'serve')] : []), moduleDirOf(name)]) {
    for (const file of (await readdir(dir, { recursive: true })).sort()) {
      if (file.endsWith('.go') && !file.endsWith('_test.go'))
        texts.push(file, await readFile(join(dir, file), 'utf8'));
    }
  }
  return JSON.stringify(texts);
}

/**
 * Builds a tool from its pinned module into the cache, once, whoever asks.
 *
 * @param name the tool
 * @returns the path of the binary
 * @throws Error when Go is missing or too old, or when the build fails (with the compiler's output)
 */
export async function buildTool(name: ToolName, context: BuildContext): Promise<string> {
  const path = await cachedPath(name, context.env);
  if (await exists(path)) return path;
  await mkdir(join(path, '..'), { recursive: true });
  const onWait = () => context.onProgress(`${name}: another process is building it, waiting`);
  await withLock(
    `${path}.lock`,
    async () => {
      if (!(await exists(path))) await compile(name, path, context);
    },
    { onWait },
  );
  return path;
}

/** The arguments of `go build` for a tool: no paths of this machine, no debugging information, and its version. */
export function buildArguments(name: ToolName): string[] {
  const values = recipeOf(name).linkerValues?.(pinnedVersion(name)) ?? {};
  const settings = Object.entries(values).map(([key, value]) => `-X ${key}=${value}`);
  return ['-trimpath', '-buildvcs=false', '-ldflags', ['-s', '-w', ...settings].join(' ')];
}

async function compile(name: ToolName, path: string, context: BuildContext): Promise<void> {
  const version = pinnedVersion(name);
  const draft = `${path}.${randomUUID()}`;
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  context.onProgress(`${name} ${version}: building from its Go module (only the first time)`);
  const timer = setInterval(
    () => context.onProgress(`${name} ${version}: still building (${seconds()} s)`),
    reportEveryMs,
  );
  try {
    await buildWithGo(name, draft, context);
    await rename(draft, path);
  } finally {
    clearInterval(timer);
    await rm(draft, { force: true });
  }
  context.onProgress(`${name} ${version}: built in ${seconds()} s`);
}

async function buildWithGo(name: ToolName, output: string, context: BuildContext): Promise<void> {
  const { package: main, generatedFiles } = recipeOf(name);
  const cwd = moduleDirOf(name);
  const args = ['build', ...buildArguments(name), '-o', output, main];
  if (generatedFiles === undefined) {
    await runGo(name, { args, cwd }, context);
    return;
  }
  const copy = await mkdtemp(join(tmpdir(), `sluice-${name}-`));
  try {
    await copyModule(name, copy, context);
    for (const [path, content] of Object.entries(generatedFiles)) {
      await mkdir(dirname(join(copy, path)), { recursive: true });
      await writeFile(join(copy, path), content);
    }
    await runGo(name, { args, cwd: copy }, context);
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

/** Copies the source of a tool's module; go.sum has vouched for what the Go command downloads. */
async function copyModule(name: ToolName, to: string, context: BuildContext): Promise<void> {
  const { versionOf } = recipeOf(name);
  const cwd = moduleDirOf(name);
  const json = await runGo(name, { args: ['mod', 'download', '-json', versionOf], cwd }, context);
  const { Dir } = JSON.parse(json) as { Dir: string };
  await cp(Dir, to, { recursive: true });
  // The module cache is read-only, and so is a copy of it.
  const folders = await readdir(to, { recursive: true, withFileTypes: true });
  for (const entry of folders.filter((each) => each.isDirectory())) {
    await chmod(join(entry.parentPath, entry.name), 0o755);
  }
  await chmod(to, 0o755);
}

/**
 * Go's own build cache stays where it is, so an interrupted build resumes where it stopped.
 *
 * @returns what the command printed to its standard output
 */
async function runGo(
  name: ToolName,
  { args, cwd }: { args: string[]; cwd: string },
  context: BuildContext,
): Promise<string> {
  const child = spawn('go', args, {
    cwd,
    env: { ...context.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOWORK: 'off' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: buildTimeoutMs,
  });
  let tail = '';
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    tail = (tail + chunk.toString()).slice(-4000);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new Error(missingToolMessage(name));
    throw error;
  });
  if (code !== 0) {
    throw new Error(`go ${args[0]} of ${name} failed (exit code ${code}):\n${tail || output}`);
  }
  return output;
}

function missingToolMessage(name: ToolName): string {
  const version = pinnedVersion(name);
  return (
    `${name} ${version} is not on PATH and cannot be built because there is no go command: ` +
    `install Go 1.26 or newer, or put ${name} ${version.replace(/\.\d+$/, '.x')} on PATH ` +
    'or into the folder named by KUBEBUILDER_ASSETS'
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
