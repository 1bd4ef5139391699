import type { Dashboard, Panel, Row, Variable } from './dashboard.ts';

const columns = 24;

/** Of a variable of which several values or all may be chosen. */
const all = {
  multi: true,
  includeAll: true,
  current: { text: 'All', value: '$__all' },
};

/** Writes a dashboard in Grafana's form. */
export function dashboardJson(dashboard: Dashboard): string {
  const { uid, title, description, tags, variables, choices = [], texts = [], rows } = dashboard;
  const model = {
    uid,
    title,
    description,
    tags,
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    timezone: 'browser',
    refresh: '1m',
    time: { from: 'now-6h', to: 'now' },
    annotations: { list: [] },
    links: [{ title: 'Sluice', type: 'dashboards', tags: ['sluice'], asDropdown: true }],
    templating: {
      list: [
        datasourceVariable(dashboard),
        ...variables.map((variable) => queryVariable(variable, dashboard)),
        ...choices.map(choiceVariable),
        ...texts.map(({ name, label }) => ({ name, label, type: 'textbox', query: '' })),
      ],
    },
    panels: placed(rows, dashboard),
  };
  return `${JSON.stringify(model, undefined, 2)}\n`;
}

function source({ datasource }: Dashboard) {
  return { type: datasource, uid: '${datasource}' };
}

function datasourceVariable({ datasource }: Dashboard) {
  return { name: 'datasource', label: 'Data source', type: 'datasource', query: datasource };
}

function queryVariable({ name, label, query, multiple }: Variable, dashboard: Dashboard) {
  return {
    name,
    label,
    type: 'query',
    datasource: source(dashboard),
    query,
    definition: query,
    refresh: 2,
    sort: 1,
    ...(multiple ? all : { multi: false, includeAll: false }),
    // Loki has no query that matches anything, and there all means those that are offered.
    ...(multiple && dashboard.datasource === 'prometheus' ? { allValue: '.+' } : {}),
  };
}

function choiceVariable({
  name,
  label,
  values,
}: {
  name: string;
  label: string;
  values: string[];
}) {
  return {
    name,
    label,
    type: 'custom',
    query: values.join(','),
    ...all,
  };
}

/** Lays panels out from left to right and from top to bottom, each row below the one before. */
function placed(rows: Row[], dashboard: Dashboard): object[] {
  const panels: object[] = [];
  let y = 0;
  for (const row of rows) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title: row.title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y: y++, w: columns, h: 1 },
    });
    let x = 0;
    let height = 0;
    for (const panel of row.panels) {
      if (x + panel.width > columns) {
        y += height;
        x = 0;
        height = 0;
      }
      const gridPos = { x, y, w: panel.width, h: panel.height };
      panels.push({ id: panels.length + 1, gridPos, ...panelModel(panel, dashboard) });
      x += panel.width;
      height = Math.max(height, panel.height);
    }
    y += height;
  }
  return panels;
}

function panelModel(panel: Panel, dashboard: Dashboard) {
  const { title, description, type, unit, queries } = panel;
  const instant = type === 'stat' || type === 'table';
  return {
    type,
    title,
    description,
    datasource: source(dashboard),
    fieldConfig: { defaults: { unit, ...defaultsOf(panel) }, overrides: [] },
    options: optionsOf(panel),
    ...(panel.columns ? { transformations: columnsOf(panel.columns) } : {}),
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: source(dashboard),
      expr,
      ...(legend === undefined ? {} : { legendFormat: legend }),
      ...(type === 'logs' ? {} : { instant, range: !instant }),
      ...(type === 'table' ? { format: 'table' } : {}),
    })),
  };
}

function defaultsOf({ type, stacked, limits }: Panel): object {
  switch (type) {
    case 'timeseries':
      return {
        min: 0,
        custom: {
          fillOpacity: stacked ? 30 : 5,
          lineWidth: 1,
          showPoints: 'never',
          stacking: { mode: stacked ? 'normal' : 'none' },
        },
      };
    case 'stat':
      return { noValue: '0', thresholds: { mode: 'absolute', steps: stepsOf(limits) } };
    default:
      return {};
  }
}

function stepsOf(limits: Panel['limits']): object[] {
  const base = { color: limits ? 'green' : 'text', value: null };
  if (!limits) return [base];
  return [
    base,
    { color: 'yellow', value: limits.warning },
    { color: 'red', value: limits.critical },
  ];
}

function optionsOf({ type }: Panel): object {
  switch (type) {
    case 'timeseries':
      return {
        legend: { displayMode: 'list', placement: 'bottom', calcs: [] },
        tooltip: { mode: 'multi', sort: 'desc' },
      };
    case 'stat':
      return { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'value', graphMode: 'none' };
    case 'logs':
      return {
        showTime: true,
        wrapLogMessage: true,
        enableLogDetails: true,
        sortOrder: 'Descending',
      };
    default:
      return { showHeader: true, cellHeight: 'sm' };
  }
}

/** Keeps the named labels, in their order and under their headings. */
function columnsOf(names: Record<string, string>): object[] {
  const keys = Object.keys(names);
  return [
    { id: 'filterFieldsByName', options: { include: { names: keys } } },
    {
      id: 'organize',
      options: {
        indexByName: Object.fromEntries(keys.map((key, index) => [key, index])),
        renameByName: names,
      },
    },
  ];
}
