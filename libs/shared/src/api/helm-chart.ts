import type { Static } from 'typebox';
import { bool, enumOf, object, opt, rules, str, strList } from './builders.ts';
import { oidcIdentities, secretRef, statusDefault } from './common.ts';
import {
  ageColumn,
  type KindDefinition,
  type KubeObject,
  objectSchema,
  readyColumns,
} from './kind.ts';
import {
  latestUrl,
  sourceInterval,
  sourceKindBase,
  sourceStatusFields,
  sourceSuspend,
} from './source-common.ts';

const verify = object(
  'Require a trusted signature on a chart from a registry. Dependencies outside the chart archive are not checked.',
  {
    provider: enumOf('Signing tool whose signatures are checked.', ['cosign', 'notation'], {
      default: 'cosign',
    }),
    secretRef: opt(
      secretRef(
        'Secret with the trusted public keys, or, for notation, the trust policy and certificates.',
      ),
    ),
    matchOIDCIdentity: opt(oidcIdentities()),
  },
);

const sourceRef = object('The source that holds the chart.', {
  apiVersion: opt(str('API version of the source.')),
  kind: enumOf('Kind of the source.', ['HelmRepository', 'GitRepository', 'Bucket']),
  name: str('Name of the source.'),
});

const spec = object(
  'Which chart to take from which source.',
  {
    chart: str('Name of the chart in the HelmRepository, or its path in another source.'),
    version: opt(
      str(
        'Version of the chart, or a range of which the highest is taken; only for HelmRepository.',
        {
          default: '*',
        },
      ),
    ),
    sourceRef,
    interval: sourceInterval('to check the source'),
    reconcileStrategy: opt(
      enumOf(
        'When to make a new artifact: when the version in the chart changes (ChartVersion), or with every revision of the source (Revision).',
        ['ChartVersion', 'Revision'],
        { default: 'ChartVersion' },
      ),
    ),
    valuesFiles: opt(
      strList(
        'Files to merge, later over earlier ones, into the values.yaml of the packaged chart. The values.yaml of the chart is used only when listed, or when nothing is listed.',
        'Path of a values file, relative to the chart or, for Git and Bucket sources, to the source.',
      ),
    ),
    ignoreMissingValuesFiles: opt(bool('Skip values files that do not exist instead of failing.')),
    suspend: opt(sourceSuspend()),
    verify: opt(verify),
  },
  rules({
    rule: "self.sourceRef.kind == 'HelmRepository' || !has(self.verify)",
    message: "spec.verify needs spec.sourceRef.kind to be 'HelmRepository'",
  }),
);

const status = object(
  'What was last observed and produced.',
  {
    ...sourceStatusFields('The last chart that was packaged.'),
    observedSourceArtifactRevision: opt(
      str('Revision of the artifact of the source from which the current chart was taken.'),
    ),
    observedChartName: opt(str('Name of the current chart, as its metadata gives it.')),
    observedValuesFiles: opt(
      strList('Values files that went into the current chart.', 'Path of a values file.'),
    ),
    url: opt(latestUrl()),
  },
  statusDefault,
);

export type HelmChartSpec = Static<typeof spec>;
export type HelmChartStatus = Static<typeof status>;

/** A chart from a Helm repository, Git repository or bucket as an artifact. */
export interface HelmChart extends KubeObject {
  spec: HelmChartSpec;
  status?: HelmChartStatus;
}

export const helmChartKind: KindDefinition<HelmChart> = {
  ...sourceKindBase,
  kind: 'HelmChart',
  plural: 'helmcharts',
  singular: 'helmchart',
  shortNames: ['hc'],
  printerColumns: [
    { name: 'Chart', type: 'string', jsonPath: '.spec.chart' },
    { name: 'Version', type: 'string', jsonPath: '.spec.version' },
    { name: 'Source Kind', type: 'string', jsonPath: '.spec.sourceRef.kind' },
    { name: 'Source Name', type: 'string', jsonPath: '.spec.sourceRef.name' },
    ageColumn,
    ...readyColumns,
  ],
  schema: objectSchema(
    'Makes an artifact from a Helm chart and keeps it up to date.',
    spec,
    status,
  ),
};
