import type { HelmReleaseSpec, KubeObject } from '@sluice/shared/api';
import type { Values } from '../../../src/release/release.ts';
import type { ChartFiles } from '../../helm-release/harness.ts';

/** Values as an object, inline in the HelmRelease, or as YAML, from a ConfigMap. */
export type CaseValues = Values | string;

/** The same for both sides: fields of the HelmRelease, and the flags of helm that mean the same. */
export interface Options {
  spec?: Partial<HelmReleaseSpec>;
  install?: string[];
  upgrade?: string[];
  rollback?: string[];
  uninstall?: string[];
}

/**
 * A chart with what its life is to show. Each is installed, upgraded, upgraded to something that fails, recovered, and
 * uninstalled. In files, `@NS@` stands for the namespace of the release, for names that must be unique in the cluster.
 */
export interface ChartCase {
  /** Of the chart too. */
  name: string;
  /** Without a Chart.yaml, a plain one of version 1.0.0. */
  files: ChartFiles;
  /** The name of the chart when not given. */
  releaseName?: string;
  values?: CaseValues;
  /** What the upgrade changes; its chart has version 1.1.0. */
  upgrade?: { files?: ChartFiles; values?: CaseValues };
  /**
   * What the failing upgrade is told; `{ failing: true }` when not given, for which every chart makes a ConfigMap that
   * the API server refuses.
   */
  failing?: CaseValues;
  /** What both failures name; the refused ConfigMap when not given. */
  failure?: string[];
  /** Whether the failing values are refused before a revision is made. */
  refused?: boolean;
  /** After the failure: a rollback, when not given, or an upgrade to what was before. */
  recovery?: 'rollback' | 'upgrade';
  /** Whether the first installation fails already, with the failing values. */
  failsAtFirst?: boolean;
  /** Objects that are there before. */
  existing?: readonly KubeObject[];
  options?: Options;
  /**
   * Where the sides differ on purpose, as `<step>.<path>`, with the heading in docs/helm-differences.md; each must be
   * found.
   */
  differs?: Readonly<Record<string, string>>;
  /** Whether to run the tests of the chart after each release. */
  tests?: boolean;
}

/** A chart, or values, of which nothing is released. */
export interface Refusal {
  name: string;
  files: ChartFiles;
  values?: CaseValues;
  /** Texts that both failures hold, such as the place in a template or the path of a value. */
  says: string[];
  existing?: readonly KubeObject[];
  options?: Options;
}

/** Text of a ConfigMap in a template. */
export function configMap(name: string, data: string, annotations = ''): string {
  return `apiVersion: v1
kind: ConfigMap
metadata:
  name: ${name}${annotations}
data:
${data}
`;
}

/** Text of the annotations of a hook, to follow the name of an object. */
export function hookAnnotations(events: string, more: Record<string, string> = {}): string {
  const lines = Object.entries({ hook: events, ...more }).map(
    ([key, value]) => `\n    helm.sh/${key}: "${value}"`,
  );
  return `\n  annotations:${lines.join('')}`;
}

/** Text of a Job whose Pod does as the fake node is told. */
export function job(name: string, annotations = '', behaviour = '""'): string {
  return `apiVersion: batch/v1
kind: Job
metadata:
  name: ${name}${annotations}
spec:
  backoffLimit: 0
  template:
    metadata:
      annotations: {test.sluice.dev/behaviour: ${behaviour}}
    spec:
      restartPolicy: Never
      containers:
        - {name: main, image: example/app}
`;
}
