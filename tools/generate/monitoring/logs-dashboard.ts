import { type Dashboard, graph } from './dashboard.ts';

/** The controllers and their shards. */
const controllers = 'app=~"(source|kustomize|helm|notification)-controller(-.+)?"';
const selector = '{namespace=~"$namespace", app=~"$controller"}';
const chosen = `${selector} | json | level=~"$level" |~ "$search"`;

/** The logs of the controllers, from Loki. */
export const logsDashboard: Dashboard = {
  uid: 'sluice-logs',
  title: 'Sluice / Logs',
  description: 'Log lines of the controllers, from Loki.',
  tags: ['sluice', 'flux'],
  datasource: 'loki',
  variables: [
    {
      name: 'namespace',
      label: 'Installation',
      query: `label_values({${controllers}}, namespace)`,
      multiple: true,
    },
    {
      name: 'controller',
      label: 'Controller',
      query: `label_values({namespace=~"$namespace", ${controllers}}, app)`,
      multiple: true,
    },
  ],
  choices: [{ name: 'level', label: 'Level', values: ['info', 'warn', 'error', 'debug', 'trace'] }],
  texts: [{ name: 'search', label: 'Search' }],
  rows: [
    {
      title: 'Logs',
      panels: [
        graph(
          {
            title: 'Lines by level',
            description: 'Log lines a second.',
            unit: 'ops',
            stacked: true,
            queries: [
              {
                expr: `sum by (level) (rate(${chosen} [$__auto]))`,
                legend: '{{level}}',
              },
            ],
          },
          24,
        ),
        {
          type: 'logs',
          title: 'Lines',
          description: 'name, namespace and controllerKind of a line say which object it is about.',
          unit: 'none',
          width: 24,
          height: 20,
          queries: [{ expr: chosen }],
        },
      ],
    },
  ],
};
