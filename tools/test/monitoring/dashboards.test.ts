import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@sluice/testing';
import { dump, load } from 'js-yaml';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { dashboards } from '../../generate/monitoring/dashboards.ts';
import {
  alertNames,
  controllersWithRules,
  type RuleGroup,
} from '../../generate/monitoring/rules.ts';
import { knownMetrics, unknownIn } from './metrics.ts';
import { readQuery } from './promql.ts';
import { promtool } from './promtool.ts';

const root = join(import.meta.dirname, '../../..');

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  datasource?: { type: string; uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig?: { defaults: { unit?: string } };
  targets?: { refId: string; expr: string; legendFormat?: string }[];
}

interface Model {
  uid: string;
  title: string;
  schemaVersion: number;
  templating: { list: { name: string; type: string; query?: string }[] };
  panels: Panel[];
}

const models = Object.keys(dashboards).map((name) => {
  const path = join(root, 'charts/sluice/files/dashboards', `${name}.json`);
  const model = JSON.parse(readFileSync(path, 'utf8')) as Model;
  return { name, model, queried: model.panels.filter(({ type }) => type !== 'row') };
});

let known: Awaited<ReturnType<typeof knownMetrics>>;
beforeAll(async () => {
  known = await knownMetrics();
});

test('a query is read into metrics and labels', () => {
  const query = `sum by (kind, le) (rate(a_bucket{x="1,y=2",z!~"b"}[5m])) and on (job) b > 3 unless
    label_replace(c{}, "made", "$1", "x", "(.+)") or time() - d offset 1h`;
  const { selectors, grouping, made } = readQuery(query);
  expect(selectors).toEqual([
    { metric: 'a_bucket', labels: ['x', 'z'] },
    { metric: 'c', labels: [] },
    { metric: 'b', labels: [] },
    { metric: 'd', labels: [] },
  ]);
  expect(grouping).toEqual(['kind', 'le', 'job']);
  expect(made).toEqual(['made']);
});

test('a metric or label that nobody has is found', () => {
  const problems = unknownIn(
    'sum by (nobody) (sluice_nothing{kind="a"} + sluice_outbox_depth{kind="a"})',
    known,
  );
  expect(problems).toEqual([
    'sluice_nothing does not exist',
    'sluice_outbox_depth has no label kind',
    'no metric has the label nobody',
  ]);
});

test.each(controllersWithRules)(
  '%s has the metrics and labels that its rules use',
  (controller) => {
    const text = readFileSync(join(root, 'charts', controller, 'files/rules.yaml'), 'utf8');
    const { groups } = load(text) as { groups: RuleGroup[] };
    const rules = groups.flatMap((group) => group.rules);
    const problems = rules.flatMap(({ alert, expr }) =>
      unknownIn(expr, known, controller).map((problem) => `${alert}: ${problem}`),
    );
    expect(problems).toEqual([]);
  },
);

describe.each(models)('dashboard $name', ({ model, queried }) => {
  test('has what Grafana needs to load and find it', () => {
    expect(model.uid).toMatch(/^[a-z0-9-]{1,40}$/);
    expect(model.schemaVersion).toBeGreaterThanOrEqual(39);
    expect(model.title).toMatch(/^Sluice \/ /);
    const [datasource] = model.templating.list;
    expect(datasource).toMatchObject({ name: 'datasource', type: 'datasource' });
  });

  test('has no two panels with one id or title', () => {
    const ids = model.panels.map(({ id }) => id);
    const titles = queried.map(({ title }) => title);
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(titles).size).toBe(titles.length);
  });

  test('has no panels that overlap or leave the grid', () => {
    const cells = model.panels.flatMap(({ title, gridPos: { x, y, w, h } }) => {
      expect(x + w, title).toBeLessThanOrEqual(24);
      return Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`);
    });
    expect(new Set(cells).size).toBe(cells.length);
  });

  test('says what each panel shows, in which unit, from the chosen data source', () => {
    for (const { title, description, fieldConfig, datasource, targets = [] } of queried) {
      expect(description, title).toMatch(/\w.*\.$/);
      expect(fieldConfig?.defaults.unit, title).toMatch(/^[a-z]+$/);
      expect(datasource?.uid, title).toBe('${datasource}');
      expect(targets.length, title).toBeGreaterThan(0);
      expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length);
    }
  });

  test('uses only variables that it has', () => {
    const names = ['__rate_interval', '__range', '__auto', '__all'];
    const offered = new Set([...model.templating.list.map(({ name }) => name), ...names]);
    const used = [...JSON.stringify(model).matchAll(/\$\{?(\w+)/g)].map(([, name]) => name);
    expect(used.filter((name) => !offered.has(name as string))).toEqual([]);
  });

  test('queries only metrics and labels that exist', () => {
    const fromPrometheus = queried.filter(({ datasource }) => datasource?.type === 'prometheus');
    const problems = fromPrometheus.flatMap(({ title, targets = [] }) =>
      targets.flatMap(({ expr, legendFormat = '' }) => {
        const grouping = new Set(readQuery(expr).grouping);
        const legend = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name);
        const lost = legend.filter((name) => / by \(/.test(expr) && !grouping.has(name as string));
        return [...unknownIn(expr, known), ...lost.map((name) => `${name} is summed away`)].map(
          (problem) => `${title}: ${problem}`,
        );
      }),
    );
    expect(problems).toEqual([]);
  });
});

test('promtool can read every query', async () => {
  const fromPrometheus = models.filter(({ name }) => dashboards[name]?.datasource === 'prometheus');
  const queries = fromPrometheus.flatMap(({ queried }) =>
    queried.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  );
  const rules = queries.map((query, index) => ({
    record: `dashboards:query:${index}`,
    expr: query.replaceAll(/\[\$\w+\]/g, '[5m]').replaceAll(/\$\w+/g, 'x'),
  }));
  const { path, remove } = await temporaryFolder('dashboards');
  onTestFinished(remove);
  const file = join(path, 'rules.yaml');
  writeFileSync(file, dump({ groups: [{ name: 'dashboards', rules }] }));
  const { output } = await promtool(['check', 'rules', file]);
  expect(output).toContain(`SUCCESS: ${rules.length} rules found`);
});

test('the choices at the top come from metrics that exist', () => {
  const queries = models.flatMap(({ model }) => model.templating.list.map(({ query }) => query));
  const lookups = queries.flatMap((query) => [
    ...(/^label_values\((.+), (\w+)\)$/
      .exec(query ?? '')
      ?.slice(1, 3)
      .join('|')
      .split('\n') ?? []),
  ]);
  const problems = lookups
    .map((lookup) => lookup.split('|') as [string, string])
    .filter(([selector]) => !selector.startsWith('{'))
    .flatMap(([selector, label]) => unknownIn(`count by (${label}) (${selector})`, known));
  expect(lookups.length).toBeGreaterThan(4);
  expect(problems).toEqual([]);
});

test('the page about monitoring names every alert, and queries only what exists', () => {
  const page = readFileSync(join(root, 'docs/monitoring.md'), 'utf8');
  const [alerts = '', queries = ''] = ['## Alerts', '## Which metric'].map((title) =>
    page.slice(page.indexOf(title), `${page}\n## `.indexOf('\n## ', page.indexOf(title) + 1)),
  );
  expect(alertNames().filter((alert) => !alerts.includes(`\`${alert}\``))).toEqual([]);
  const rows = queries.split('\n').filter((line) => /^\| .*\?/.test(line));
  expect(rows.length).toBeGreaterThan(8);
  const problems = rows.flatMap((row) =>
    [...row.matchAll(/`([^`]+)`/g)].flatMap(([, query]) => unknownIn(query as string, known)),
  );
  expect(problems).toEqual([]);
});
