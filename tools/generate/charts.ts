import { dump } from 'js-yaml';
import { allChartValues, controllerKeys } from '../charts/values/charts.ts';
import { connections } from '../charts/values/controller.ts';
import { valuesPage } from '../charts/values/emit-docs.ts';
import { valuesSchema } from '../charts/values/emit-schema.ts';
import { valuesYaml } from '../charts/values/emit-values.ts';
import { installWide } from '../charts/values/install-wide.ts';
import { defaultsOf } from '../charts/values/node.ts';
import { generatedMark } from './generator.ts';

/** Writes the template by which the library knows the defaults that hold for the whole installation. */
function defaultsTemplate(): string {
  const yaml = dump(defaultsOf({ ...installWide, ...connections }), {
    lineWidth: -1,
    noRefs: true,
  });
  return `{{- /* ${generatedMark}; edit tools/charts/values instead. */}}
{{- /* What applies when neither the umbrella nor the controller sets a value. */}}
{{- define "sluice.defaults" -}}
${yaml}{{- end }}
`;
}

/** Generates the values, schemas and defaults of the charts, and the reference of their values. */
export async function generateCharts(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const charts = await allChartValues();
  for (const { chart, values } of charts) {
    const brief = chart === 'sluice' ? Object.keys(controllerKeys) : [];
    files.set(`charts/${chart}/values.yaml`, valuesYaml(chart, values, brief));
    files.set(`charts/${chart}/values.schema.json`, valuesSchema(chart, values));
  }
  files.set('charts/sluice-common/templates/_defaults.tpl', defaultsTemplate());
  files.set('docs/chart-values.md', valuesPage(charts));
  return files;
}
