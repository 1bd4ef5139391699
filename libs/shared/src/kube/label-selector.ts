/** One requirement of a label selector. */
interface Requirement {
  key: string;
  operator: 'in' | 'notin' | 'exists' | 'absent';
  values: string[];
}

const keyPattern = `[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?`;
const requirementPattern = new RegExp(
  String.raw`^\s*(?:(!)\s*(${keyPattern})|(${keyPattern})\s*(?:(==|=|!=)\s*([-A-Za-z0-9_.]*)|\s(in|notin)\s*\(([^()]*)\))?)\s*(?:,|$)`,
);

/**
 * Compiles a label selector, such as `app=x,tier in (a,b),!old`, into a test of labels.
 *
 * @throws RangeError naming the part that cannot be read
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
 */
export function parseLabelSelector(
  selector: string,
): (labels: Record<string, string> | undefined) => boolean {
  const requirements: Requirement[] = [];
  let rest = selector.trim();
  while (rest !== '') {
    const match = requirementPattern.exec(rest);
    if (match === null) {
      throw new RangeError(`label selector '${selector}' cannot be read from '${rest}' on`);
    }
    requirements.push(requirementOf(match));
    rest = rest.slice(match[0].length);
  }
  return (labels = {}) => requirements.every((requirement) => isMet(requirement, labels));
}

function requirementOf(match: RegExpExecArray): Requirement {
  const [, not, absent, key = '', equality, value = '', membership, list = ''] = match;
  if (not !== undefined) return { key: absent ?? '', operator: 'absent', values: [] };
  if (membership !== undefined) {
    const values = list.split(',').map((item) => item.trim());
    return { key, operator: membership as 'in' | 'notin', values };
  }
  if (equality === undefined) return { key, operator: 'exists', values: [] };
  return { key, operator: equality === '!=' ? 'notin' : 'in', values: [value] };
}

function isMet({ key, operator, values }: Requirement, labels: Record<string, string>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'exists':
      return value !== undefined;
    case 'absent':
      return value === undefined;
    case 'in':
      return value !== undefined && values.includes(value);
    case 'notin':
      return value === undefined || !values.includes(value);
  }
}
