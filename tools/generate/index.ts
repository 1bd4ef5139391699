import { generateApiReference } from './api-reference.ts';
import { generateCharts } from './charts.ts';
import { generateContainerfiles } from './containerfiles.ts';
import { generateCrds } from './crds.ts';
import { generateFlags } from './flags.ts';
import type { Generator } from './generator.ts';
import { generateDashboards } from './monitoring/dashboards.ts';
import { generateKubeStateMetrics } from './monitoring/kube-state-metrics.ts';
import { generateRules } from './monitoring/rules.ts';
import { generatePictures } from './pictures/index.ts';

/** Every generator of the repository. A new one only needs an entry here. */
export const generators: readonly Generator[] = [
  generateCrds,
  generateCharts,
  generateApiReference,
  generateFlags,
  generateContainerfiles,
  generateRules,
  generateDashboards,
  generateKubeStateMetrics,
  generatePictures,
];
