import { dump } from 'js-yaml';
import { generatedMark } from '../../generate/generator.ts';
import type { Value, ValueTree } from './node.ts';

const width = 100;

function comment(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + 3 + line.length + word.length > width) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  return [...lines, line].map((each) => `${indent}# ${each}`);
}

function entry(name: string, value: Value, indent: string, quiet: boolean): string[] {
  const about = comment(value.description, indent);
  const lines = value.children
    ? [`${name}:`, ...treeLines(value.children, '  ', quiet)]
    : dump({ [name]: value.default }, { lineWidth: -1, noRefs: true })
        .trimEnd()
        .split('\n');
  if (!value.unset) return [...about, ...lines.map((line) => `${indent}${line}`)];
  return [
    ...about,
    ...lines.map((line) => `${indent}#${line.startsWith('#') ? line.slice(1) : ` ${line}`}`),
  ];
}

function treeLines(tree: ValueTree, indent: string, quiet: boolean): string[] {
  return Object.entries(tree).flatMap(([name, value]) =>
    quiet && !value.children
      ? entry(name, value, indent, quiet).slice(comment(value.description, indent).length)
      : entry(name, value, indent, quiet),
  );
}

/**
 * Writes a chart's values.yaml: each value with its meaning and default. Groups of `brief` show nothing but whether they
 * are installed, since their defaults are those of another chart.
 */
export function valuesYaml(chart: string, tree: ValueTree, brief: readonly string[] = []): string {
  const head = [
    `# ${generatedMark}; edit tools/charts/values instead.`,
    `# Values of the chart ${chart}. docs/chart-values.md has the same as tables.`,
  ];
  const body = Object.entries(tree).flatMap(([name, value]) => {
    const { create } = value.children ?? {};
    const shown = brief.includes(name) && create ? { ...value, children: { create } } : value;
    return ['', ...entry(name, shown, '', false)];
  });
  return `${[...head, ...body].join('\n')}\n`;
}
