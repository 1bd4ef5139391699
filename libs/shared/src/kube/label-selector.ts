/** Says whether labels are what a selector wants. */
export type LabelMatcher = (labels: Record<string, string> | undefined) => boolean;

/** A label selector as objects hold it. */
export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: {
    key: string;
    operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    values?: string[];
  }[];
}

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
export function parseLabelSelector(selector: string): LabelMatcher {
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
  return matcherOf(requirements);
}

const operators = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: 'absent' } as const;

/**
 * Makes a test of labels out of a selector of an object; an empty one takes all.
 *
 * @throws RangeError naming the condition that lacks its values
 */
export function labelMatcherOf(selector: LabelSelector): LabelMatcher {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  const labels = Object.entries(matchLabels).map(
    ([key, value]): Requirement => ({ key, operator: 'in', values: [value] }),
  );
  const conditions = matchExpressions.map(({ key, operator, values = [] }, index): Requirement => {
    const needsValues = operator === 'In' || operator === 'NotIn';
    if (needsValues && values.length === 0) {
      throw new RangeError(`matchExpressions[${index}] has no values: ${operator} needs some`);
    }
    return { key, operator: operators[operator], values };
  });
  return matcherOf([...labels, ...conditions]);
}

function matcherOf(requirements: readonly Requirement[]): LabelMatcher {
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
