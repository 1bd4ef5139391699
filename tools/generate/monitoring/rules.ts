import { allKinds } from '@sluice/shared/api';
import { dump } from 'js-yaml';
import { controllerOf } from '../crds.ts';
import { generatedMark } from '../generator.ts';
import { deliveryRules } from './delivery-rules.ts';
import {
  applierRules,
  notificationRules,
  objectRules,
  readyRules,
  releaseRules,
  sourceRules,
} from './object-rules.ts';
import { processRules } from './process-rules.ts';
import type { AlertRule, ControllerScope } from './rule.ts';

/** Rules that are evaluated together, as Prometheus reads them. */
export interface RuleGroup {
  name: string;
  rules: AlertRule[];
}

const passive = ['Alert', 'Provider', 'ExternalArtifact'];

const ownRules: Record<string, ((controller: ControllerScope) => AlertRule[])[]> = {
  'source-controller': [objectRules, sourceRules],
  'source-watcher': [objectRules],
  'kustomize-controller': [objectRules, applierRules, deliveryRules, readyRules],
  'helm-controller': [objectRules, applierRules, deliveryRules, releaseRules],
  'notification-controller': [objectRules, notificationRules],
};

/** The rules of one controller: one group about its process, one about its objects. */
export function rulesOf(name: string): RuleGroup[] {
  const owned = allKinds.filter((kind) => controllerOf(kind) === name).map(({ kind }) => kind);
  const controller = {
    name,
    kinds: owned.filter((kind) => !passive.includes(kind)),
    passiveKinds: owned.filter((kind) => passive.includes(kind)),
  };
  const objects = (ownRules[name] ?? []).flatMap((make) => make(controller));
  return [
    { name: `${name}.process`, rules: processRules(controller) },
    { name: `${name}.objects`, rules: objects },
  ];
}

/** Names of the controllers that have rules. */
export const controllersWithRules: readonly string[] = Object.keys(ownRules);

/** The names of all alerts, sorted. */
export function alertNames(): string[] {
  const all = controllersWithRules.flatMap(rulesOf).flatMap(({ rules }) => rules);
  return [...new Set(all.map(({ alert }) => alert))].sort();
}

/** Generates the alerting rules, one file for each controller's chart. */
export async function generateRules(): Promise<Map<string, string>> {
  const header = `# ${generatedMark}; edit tools/generate/monitoring instead.\n`;
  return new Map(
    controllersWithRules.map((name) => [
      `charts/${name}/files/rules.yaml`,
      header + dump({ groups: rulesOf(name) }, { lineWidth: -1, noRefs: true }),
    ]),
  );
}
