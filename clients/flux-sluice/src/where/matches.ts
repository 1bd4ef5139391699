/** Fewest characters of a commit or digest that mean it. */
const minHash = 7;

/** A revision that is looked for. */
export type Wanted = (revision: string | undefined) => boolean;

/**
 * Returns whether revisions are the one that is looked for: the whole of it, what follows the branch or tag, a beginning
 * of the commit or digest, or a version of a chart that holds a beginning of it, such as `1.2.0+4f2c1d9e8a7b`.
 *
 * @param text as the user gives it
 */
export function wantedRevision(text: string): Wanted {
  const wanted = text.toLowerCase();
  return (revision) => {
    if (revision === undefined || revision === '') return false;
    const whole = revision.toLowerCase();
    const named = whole.slice(whole.lastIndexOf('@') + 1);
    if (whole === wanted || named === wanted) return true;
    const hash = named.slice(named.lastIndexOf(':') + 1);
    if (isHash(hash) && startsAlike(wanted, [hash, named, whole])) return true;
    const [version, build = ''] = whole.split('+');
    if (build === '') return false;
    return version === wanted || (isHash(build) && isHash(wanted) && eitherStarts(build, wanted));
  };
}

function isHash(text: string): boolean {
  return text.length >= minHash && /^[0-9a-f]+$/.test(text);
}

/** Whether one of the spellings of a revision begins with what is looked for, at least 7 characters of its hash included. */
function startsAlike(wanted: string, [hash = '', ...longer]: string[]): boolean {
  if (wanted.length >= minHash && hash.startsWith(wanted)) return true;
  return longer.some((text) => {
    const prefix = text.length - hash.length;
    return wanted.length >= prefix + minHash && text.startsWith(wanted);
  });
}

function eitherStarts(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a);
}
