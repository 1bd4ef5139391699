/** A selector in a query: which metric, by which labels. */
export interface Selector {
  metric: string;
  labels: string[];
}

/** What a query reads and how it groups. */
export interface Query {
  selectors: Selector[];
  /** Labels of by, on and alike. */
  grouping: string[];
  /** Labels that label_replace makes. */
  made: string[];
}

const name = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const words = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan', 'Inf', 'NaN']);

/**
 * Reads a query, as far as telling metrics and labels apart needs. promtool says whether it is one.
 */
export function readQuery(expr: string): Query {
  const selectors: Selector[] = [];
  const grouping: string[] = [];
  const made = [...expr.matchAll(/"(\w+)", "\$1"/g)];
  const rest = expr
    .replaceAll(
      new RegExp(`(${name})\\s*\\{([^}]*)\\}`, 'g'),
      (_, metric: string, body: string) => {
        const labels = [...body.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)];
        selectors.push({ metric, labels: labels.map(([, label]) => label as string) });
        return ' ';
      },
    )
    .replaceAll(/"[^"]*"/g, ' ')
    .replaceAll(/\[[^\]]*\]/g, ' ')
    .replaceAll(
      /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g,
      (_, labels: string) => {
        grouping.push(...labels.split(',').map((label) => label.trim()));
        return ' ';
      },
    );
  for (const [, found = '', call] of rest.matchAll(
    new RegExp(`(?<![\\w.$])(${name})(\\s*\\()?`, 'g'),
  )) {
    if (call === undefined && !words.has(found)) selectors.push({ metric: found, labels: [] });
  }
  return {
    selectors,
    grouping: grouping.filter((label) => label !== ''),
    made: made.map(([, label]) => label as string),
  };
}
