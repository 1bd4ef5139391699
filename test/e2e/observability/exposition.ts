/** A metric as a controller exposes it. */
export interface ExposedMetric {
  name: string;
  type: string;
  /** Names of the labels of each series; `le` and `quantile` of histograms and summaries left out. */
  labels: Set<string>[];
  series: { labels: Record<string, string>; value: number }[];
  /** Upper bounds of a histogram's buckets, without the infinite one. */
  buckets: number[];
}

const sampleLine = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const label = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** Reads the text of `/metrics`. */
export function parseExposition(text: string): Map<string, ExposedMetric> {
  const metrics = new Map<string, ExposedMetric>();
  for (const line of text.split('\n')) {
    const declared = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (declared) {
      const [, name = '', type = ''] = declared;
      metrics.set(name, { name, type, labels: [], series: [], buckets: [] });
    } else if (line !== '' && !line.startsWith('#')) addSample(metrics, line);
  }
  return metrics;
}

function addSample(metrics: Map<string, ExposedMetric>, line: string): void {
  const [, name = '', labelText = '', value = ''] = sampleLine.exec(line) ?? [];
  const metric = metrics.get(name) ?? metrics.get(name.replace(/_(bucket|sum|count)$/, ''));
  if (metric === undefined) throw new Error(`a sample of an undeclared metric: ${line}`);
  const labels = Object.fromEntries([...labelText.matchAll(label)].map(([, k, v]) => [k, v]));
  const bound = Number(labels['le'] ?? Number.NaN);
  if (Number.isFinite(bound) && !metric.buckets.includes(bound)) metric.buckets.push(bound);
  if (metric.type === 'histogram') delete labels['le'];
  metric.labels.push(new Set(Object.keys(labels)));
  metric.series.push({ labels: labels as Record<string, string>, value: Number(value) });
}
