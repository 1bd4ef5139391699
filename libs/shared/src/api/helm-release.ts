import type { Static } from 'typebox';
import {
  addition,
  anyJson,
  bool,
  duration,
  enumOf,
  int,
  list,
  object,
  opt,
  rules,
  str,
  strList,
  strMap,
} from './builders.ts';
import { changePolicy } from './change-policy.ts';
import { ignoreRules, secretRef } from './common.ts';
import { install, rollback, test, uninstall, upgrade } from './helm-release-actions.ts';
import { helmReleaseStatus } from './helm-release-status.ts';
import {
  ageColumn,
  type KindDefinition,
  type KubeObject,
  objectSchema,
  readyColumns,
} from './kind.ts';
import {
  applierSuspend,
  commonMetadata,
  dependsOn,
  driftMode,
  healthCheckExprs,
  images,
  kubeConfig,
  patches,
} from './kustomize-common.ts';
import { helmGroup } from './names.ts';

const objectName = { minLength: 1, maxLength: 253 };
const namespaceName = { minLength: 1, maxLength: 63 };

const chartSpec = object('Spec of the HelmChart.', {
  chart: str('Name of the chart in the HelmRepository, or its path in another source.', {
    minLength: 1,
    maxLength: 2048,
  }),
  version: opt(
    str(
      'Version of the chart, or a range of which the highest is taken; only for HelmRepository.',
      {
        default: '*',
      },
    ),
  ),
  sourceRef: object('The source that holds the chart.', {
    apiVersion: opt(str('API version of the source.')),
    kind: enumOf('Kind of the source.', ['HelmRepository', 'GitRepository', 'Bucket']),
    name: str('Name of the source.', objectName),
    namespace: opt(
      str('Namespace of the source; that of the HelmRelease when unset.', namespaceName),
    ),
  }),
  interval: opt(duration('How often to check the source; spec.interval when unset.')),
  reconcileStrategy: opt(
    enumOf(
      'When to take a new chart: when its version changes (ChartVersion), or with every revision of the source (Revision).',
      ['ChartVersion', 'Revision'],
      { default: 'ChartVersion' },
    ),
  ),
  valuesFiles: opt(
    strList(
      'Files to merge, later over earlier ones, into the values of the chart. The values.yaml of the chart is used only when listed, or when nothing is listed.',
      'Path of a values file, relative to the chart or, for Git and Bucket sources, to the source.',
    ),
  ),
  ignoreMissingValuesFiles: opt(bool('Skip values files that do not exist instead of failing.')),
  verify: opt(
    object('Require a trusted signature on a chart from a registry.', {
      provider: enumOf('Signing tool whose signatures are checked.', ['cosign', 'notation'], {
        default: 'cosign',
      }),
      secretRef: opt(secretRef('Secret with the trusted public keys.')),
    }),
  ),
});

const chart = object('The HelmChart to create for the release. Set either this or chartRef.', {
  metadata: opt(
    object('Metadata of the HelmChart.', {
      labels: opt(strMap('Labels to set.', 'Value of the label named by the key.')),
      annotations: opt(strMap('Annotations to set.', 'Value of the annotation named by the key.')),
    }),
  ),
  spec: chartSpec,
});

const chartRef = object(
  'The existing source whose artifact is the chart. Set either this or chart.',
  {
    apiVersion: opt(str('API version of the source.')),
    kind: enumOf('Kind of the source.', ['OCIRepository', 'HelmChart', 'ExternalArtifact']),
    name: str('Name of the source.', objectName),
    namespace: opt(
      str('Namespace of the source; that of the HelmRelease when unset.', namespaceName),
    ),
  },
);

const valuesFrom = list(
  'Objects and files with values. They are merged in order, before spec.values.',
  object(
    'A Secret or ConfigMap with values, or a file of a source.',
    {
      kind: enumOf(
        'Kind of the object. Sluice adds the sources GitRepository, OCIRepository, Bucket and ExternalArtifact, whose artifact holds the file named by path.',
        ['Secret', 'ConfigMap', 'GitRepository', 'OCIRepository', 'Bucket', 'ExternalArtifact'],
      ),
      name: str('Name of the object.', objectName),
      namespace: opt(
        str('Namespace of the source; that of the HelmRelease when unset. Only for sources.', {
          ...namespaceName,
          ...addition,
        }),
      ),
      path: opt(
        str(
          'Path of the values file in the artifact of the source. Required for sources, and only for them.',
          { minLength: 1, maxLength: 2048, ...addition },
        ),
      ),
      valuesKey: opt(
        str('Key in the Secret or ConfigMap; values.yaml when unset.', {
          maxLength: 253,
          pattern: '^[\\-._a-zA-Z0-9]+$',
        }),
      ),
      targetPath: opt(
        str(
          'Where to put the content as one plain value, in dotted notation; when unset, the content is YAML and merged at the root. Only for Secrets and ConfigMaps.',
          { maxLength: 250, pattern: '^([a-zA-Z0-9_\\-.\\\\\\/]|\\[[0-9]{1,5}\\])+$' },
        ),
      ),
      literal: opt(
        bool(
          'Put the content at targetPath as it is, without the syntax of helm --set (as helm --set-literal does).',
        ),
      ),
      optional: opt(
        bool('Go on without the values when the object, the key or the file does not exist.'),
      ),
    },
    rules(
      {
        rule: "has(self.path) != (self.kind in ['Secret', 'ConfigMap'])",
        message: 'spec.valuesFrom.path is required for sources, and only for them',
      },
      {
        rule: "!has(self.namespace) || !(self.kind in ['Secret', 'ConfigMap'])",
        message: 'spec.valuesFrom.namespace is only for sources',
      },
      {
        rule: "self.kind in ['Secret', 'ConfigMap'] || !(has(self.valuesKey) || has(self.targetPath) || has(self.literal))",
        message:
          'spec.valuesFrom.valuesKey, targetPath and literal are only for Secrets and ConfigMaps',
      },
    ),
  ),
);

const driftDetection = object('What to do about differences between the release and the cluster.', {
  mode: opt(
    driftMode(
      'Correct differences (enabled), only report them (warn), or do not look (disabled, the default).',
    ),
  ),
  ignore: opt(ignoreRules('Differences which are neither reported nor corrected.')),
});

const postRenderers = list(
  'Changes to the rendered objects, in order, before they are applied.',
  object('One change.', {
    kustomize: opt(
      object('Change the objects with kustomize.', {
        patches: opt(patches()),
        images: opt(images()),
      }),
    ),
  }),
);

const releaseFields = {
  releaseName: opt(
    str(
      'Name of the release; when unset, that of the object, after targetNamespace and a dash if that is set.',
      {
        minLength: 1,
        maxLength: 53,
      },
    ),
  ),
  targetNamespace: opt(
    str('Namespace to install into; that of the HelmRelease when unset.', namespaceName),
  ),
  storageNamespace: opt(
    str(
      'Namespace that holds the records of the release; that of the HelmRelease when unset.',
      namespaceName,
    ),
  ),
  maxHistory: opt(int('How many records of the release to keep; 5 when unset, 0 for all.')),
  persistentClient: opt(
    bool(
      'Use one client for all steps of a reconciliation; the default. Switch off for charts that install CRDs in ways Helm does not see.',
    ),
  ),
  waitStrategy: opt(
    object('How to wait for objects to become ready.', {
      name: enumOf('By kstatus (poller, the default) or as Helm 3 did (legacy).', [
        'poller',
        'legacy',
      ]),
    }),
  ),
  postRenderStrategy: opt(
    enumOf(
      'Which objects postRenderers see: all but hooks (nohooks), hooks and the rest together (combined, the default), or apart (separate).',
      ['nohooks', 'combined', 'separate'],
    ),
  ),
};

const spec = object(
  'Which chart to release with which values, and how.',
  {
    chart: opt(chart),
    chartRef: opt(chartRef),
    interval: duration('How often to reconcile even when nothing is known to have changed.'),
    timeout: opt(duration('Limit for one operation of an action, such as a hook; 5m when unset.')),
    suspend: opt(applierSuspend()),
    dependsOn: opt(dependsOn('HelmRelease')),
    changePolicy: opt(changePolicy()),
    kubeConfig: opt(kubeConfig()),
    serviceAccountName: opt(
      str('ServiceAccount of the same namespace as which the release is made.', objectName),
    ),
    ...releaseFields,
    values: opt(anyJson('Values of the release; they win over those of valuesFrom.')),
    valuesFrom: opt(valuesFrom),
    driftDetection: opt(driftDetection),
    healthCheckExprs: opt(
      healthCheckExprs(
        'How to read the health of custom resources; used when an action waits with the poller strategy.',
      ),
    ),
    commonMetadata: opt(commonMetadata()),
    postRenderers: opt(postRenderers),
    install: opt(install),
    upgrade: opt(upgrade),
    test: opt(test),
    rollback: opt(rollback),
    uninstall: opt(uninstall),
  },
  rules({
    rule: 'has(self.chart) != has(self.chartRef)',
    message: 'set either spec.chart or spec.chartRef, and not both',
  }),
);

export type HelmReleaseSpec = Static<typeof spec>;
export type HelmReleaseStatus = Static<typeof helmReleaseStatus>;

/** A Helm chart that is kept released. */
export interface HelmRelease extends KubeObject {
  spec: HelmReleaseSpec;
  status?: HelmReleaseStatus;
}

export const helmReleaseKind: KindDefinition<HelmRelease> = {
  group: helmGroup,
  version: 'v2',
  kind: 'HelmRelease',
  plural: 'helmreleases',
  singular: 'helmrelease',
  shortNames: ['hr'],
  categories: ['all', 'fluxcd', 'fluxcd-appliers'],
  namespaced: true,
  hasStatus: true,
  printerColumns: [ageColumn, ...readyColumns],
  schema: objectSchema('Releases a Helm chart and keeps it as declared.', spec, helmReleaseStatus),
};
