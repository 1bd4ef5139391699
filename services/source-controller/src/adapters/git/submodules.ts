import { GitConfigError, parseGitConfig } from './git-config.ts';
import { refNameProblem } from './refs.ts';

/** The file that says where submodules come from. */
export const submodulesFile = '.gitmodules';

/** What `.gitmodules` says of a submodule. */
export interface SubmoduleConfig {
  /** As it is written: an address, or relative to that of the repository. */
  url: string;
  /** Branch that it follows. */
  branch?: string;
  /** False: it says that nothing is to be fetched (`update = none`). */
  isWanted: boolean;
}

/** Ways to update a submodule, which are all the same to a new checkout, but for the last one. */
const updates = ['checkout', 'rebase', 'merge', 'none'];
const nameSeparator = /[/\\]/;
/** Of the branch: that of the repository itself. */
const ownBranch = '.';

/**
 * Reads `.gitmodules`.
 *
 * @returns by path; of two with the same path the last one
 * @throws GitConfigError that continues a sentence about the file, when git would not read it, or would not use it
 * @see https://git-scm.com/docs/gitmodules
 */
export function parseSubmodules(text: string): Map<string, SubmoduleConfig> {
  const byName = new Map<string, Map<string, string | undefined>>();
  for (const { section, subsection, name, value } of parseGitConfig(text)) {
    if (section !== 'submodule' || subsection === undefined) continue;
    const known = byName.get(subsection) ?? new Map<string, string | undefined>();
    byName.set(subsection, known.set(name, value));
  }
  const byPath = new Map<string, SubmoduleConfig>();
  for (const [name, values] of byName) {
    const path = values.get('path');
    const url = values.get('url');
    checkName(name);
    if (path === undefined || url === undefined) continue;
    const branch = values.get('branch');
    const isNamed = branch !== undefined && branch !== ownBranch;
    if (isNamed) checkBranch(name, branch);
    const isWanted = updateOf(name, values.get('update')) !== 'none';
    byPath.set(path, { url, isWanted, ...(isNamed && { branch }) });
  }
  return byPath;
}

/** Git makes a directory of this name. Here nothing does, yet what git refuses is not to be half of an artifact. */
function checkName(name: string): void {
  if (name !== '' && !name.split(nameSeparator).includes('..')) return;
  throw new GitConfigError(
    `has a submodule of the name ${JSON.stringify(name)}, which git refuses`,
  );
}

function checkBranch(name: string, branch: string): void {
  const problem = refNameProblem(branch);
  if (problem === undefined) return;
  throw new GitConfigError(`has a branch of submodule ${JSON.stringify(name)} that ${problem}`);
}

function updateOf(name: string, update: string | undefined): string {
  if (update === undefined) return 'checkout';
  if (updates.includes(update)) return update;
  throw new GitConfigError(
    `has an update of submodule ${JSON.stringify(name)} that is none of ${updates.join(', ')}`,
  );
}
