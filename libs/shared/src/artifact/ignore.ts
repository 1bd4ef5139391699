import { compileGlob } from './glob.ts';

/** Name of the files inside a source that say what to leave out of its artifact. */
export const ignoreFileName = '.sourceignore';

const versionControl = ['.git/', '.gitignore', '.gitmodules', '.gitattributes'];
const defaults = [
  ...['*.jpg', '*.jpeg', '*.gif', '*.png', '*.wmv', '*.flv', '*.tar.gz', '*.zip'],
  ...['.github/', '.circleci/', '.travis.yml', '.gitlab-ci.yml', 'appveyor.yml', '.drone.yml'],
  ...['cloudbuild.yaml', 'codeship-services.yml', 'codeship-steps.yml'],
  ...['**/.goreleaser.yml', '**/.sops.yaml', '**/.flux.yaml'],
];

/** A `.sourceignore` file found in a source. */
export interface IgnoreFile {
  /** Directory of the file below the root; empty for the root. */
  dir: string;
  content: string;
}

/** Tells whether a path is left out. */
export type IgnoreMatcher = (path: string, isDirectory: boolean) => boolean;

/** Undefined when the pattern says nothing about the path, else whether it leaves the path out. */
type Rule = (parts: string[], isDirectory: boolean) => boolean | undefined;

/**
 * Builds the matcher that decides which files of a source stay out of its artifact.
 *
 * Version control files are always out. The default exclusions hold only when neither a `.sourceignore` file
 * nor `spec.ignore` has a pattern. Later patterns win: `spec.ignore` over `.sourceignore`, deeper files over
 * those above. As in Flux, and unlike in Git, a file may come back by `!` although its directory is out.
 *
 * @see https://fluxcd.io/flux/components/source/gitrepositories/#excluding-files
 */
export function createIgnore(o: {
  sourceignoreFiles: IgnoreFile[];
  specIgnore?: string;
}): IgnoreMatcher {
  const files = [...o.sourceignoreFiles].sort((a, b) => depth(a.dir) - depth(b.dir));
  const custom = files.flatMap((file) => rulesOf(file.content, partsOf(file.dir)));
  if (o.specIgnore !== undefined) custom.push(...rulesOf(o.specIgnore, []));
  const builtIn = custom.length > 0 ? versionControl : [...versionControl, ...defaults];
  const rules = [...builtIn.map((pattern) => compileRule(pattern, [])), ...custom].reverse();
  return (path, isDirectory) => {
    const parts = partsOf(path);
    for (const rule of rules) {
      const verdict = rule(parts, isDirectory);
      if (verdict !== undefined) return verdict;
    }
    return false;
  };
}

function partsOf(path: string): string[] {
  return path === '' ? [] : path.split('/');
}

function depth(dir: string): number {
  return partsOf(dir).length;
}

function rulesOf(content: string, domain: string[]): Rule[] {
  return content
    .split('\n')
    .map((line) => line.replace(/\r$/, ''))
    .filter((line) => !line.startsWith('#') && line.trim() !== '')
    .map((line) => compileRule(line, domain));
}

function compileRule(line: string, domain: string[]): Rule {
  const included = line.startsWith('!');
  let pattern = included ? line.slice(1) : line;
  if (!pattern.endsWith('\\ ')) pattern = pattern.replace(/ +$/, '');
  const directoryOnly = pattern.endsWith('/');
  if (directoryOnly) pattern = pattern.slice(0, -1);
  const matches = pattern.includes('/')
    ? compilePath(pattern, directoryOnly)
    : compileName(pattern, directoryOnly);
  return (parts, isDirectory) => {
    if (parts.length <= domain.length) return undefined;
    if (domain.some((part, index) => parts[index] !== part)) return undefined;
    return matches(parts.slice(domain.length), isDirectory) ? !included : undefined;
  };
}

type PathTest = (parts: string[], isDirectory: boolean) => boolean;

/** A pattern without a slash applies to every part of the path, so to everything below a match too. */
function compileName(pattern: string, directoryOnly: boolean): PathTest {
  const glob = compileGlob(pattern);
  return (parts, isDirectory) => {
    const at = parts.findIndex(glob);
    if (at < 0) return false;
    return !(directoryOnly && !isDirectory && at === parts.length - 1);
  };
}

interface Segment {
  /** Whether any number of directories may come before. */
  anywhere: boolean;
  glob: (name: string) => boolean;
}

/** A pattern with a slash is anchored, and covers everything below what it matches. */
function compilePath(pattern: string, directoryOnly: boolean): PathTest {
  const segments = segmentsOf(pattern);
  if (segments === undefined) return () => false;
  return (parts, isDirectory) => {
    let at = 0;
    for (const { anywhere, glob } of segments) {
      if (anywhere) {
        while (at < parts.length && !glob(parts[at] as string)) at++;
      } else if (at < parts.length && !glob(parts[at] as string)) return false;
      if (at >= parts.length) return false;
      at++;
    }
    if (segments.length === 0) return false;
    return !(directoryOnly && !isDirectory && at === parts.length);
  };
}

/** Undefined when the pattern can match nothing, as `a**` between slashes. */
function segmentsOf(pattern: string): Segment[] | undefined {
  const segments: Segment[] = [];
  let anywhere = false;
  const parts = pattern.split('/');
  for (const [index, part] of parts.entries()) {
    if (part === '**') {
      if (index === parts.length - 1) break;
      anywhere = true;
    } else if (part === '') anywhere = false;
    else if (part.includes('**')) return undefined;
    else {
      segments.push({ anywhere, glob: compileGlob(part) });
      anywhere = false;
    }
  }
  return segments;
}
