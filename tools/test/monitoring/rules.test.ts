import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { expect, test } from 'vitest';
import type { AlertRule } from '../../generate/monitoring/rule.ts';
import { controllersWithRules, type RuleGroup } from '../../generate/monitoring/rules.ts';
import { deliveryCases } from './delivery-cases.ts';
import { applierCases, notificationCases, readyCases, releaseCases } from './effect-cases.ts';
import { eventCases } from './event-cases.ts';
import { objectCases, sourceCases } from './object-cases.ts';
import { processCases } from './process-cases.ts';
import { playRules, promtool, type RuleCase } from './promtool.ts';

const root = join(import.meta.dirname, '../../..');

const own: Record<string, { kind: string; cases: RuleCase[] }> = {
  'source-controller': { kind: 'GitRepository', cases: sourceCases() },
  'source-watcher': { kind: 'ArtifactGenerator', cases: [] },
  'kustomize-controller': {
    kind: 'Kustomization',
    cases: [
      ...applierCases('kustomize-controller', 'Kustomization'),
      ...deliveryCases('kustomize-controller', 'Kustomization'),
      ...readyCases(),
    ],
  },
  'helm-controller': {
    kind: 'HelmRelease',
    cases: [
      ...applierCases('helm-controller', 'HelmRelease'),
      ...deliveryCases('helm-controller', 'HelmRelease'),
      ...releaseCases(),
    ],
  },
  'notification-controller': { kind: 'Receiver', cases: notificationCases() },
};

const files = controllersWithRules.map((controller) => {
  const { kind, cases } = own[controller] as (typeof own)[string];
  const path = join(root, 'charts', controller, 'files/rules.yaml');
  const { groups } = load(readFileSync(path, 'utf8')) as { groups: RuleGroup[] };
  return {
    controller,
    path,
    rules: groups.flatMap((group) => group.rules),
    cases: [
      ...processCases(controller, kind.toLowerCase()),
      ...eventCases(controller),
      ...objectCases(controller, kind),
      ...cases,
    ],
  };
});

test.each(files)('promtool accepts the rules of $controller', async ({ path, rules }) => {
  const { ok, output } = await promtool(['check', 'rules', '--lint=all', path]);
  expect(output).toContain(`SUCCESS: ${rules.length} rules found`);
  expect(ok).toBe(true);
});

test.each(files)(
  'the alerts of $controller fire when they should and only then',
  async ({ rules, cases }) => {
    const { ok, output } = await playRules(rules, cases);
    expect(ok, output).toBe(true);
    expect(output).toContain('SUCCESS');
  },
);

test.each(files)('each alert of $controller is seen firing and silent', ({ rules, cases }) => {
  const wrong = rules.filter(({ alert }) => {
    const about = cases.filter((each) => each.alert === alert);
    return (
      !about.some(({ fires }) => fires.length > 0) || !about.some(({ fires }) => fires.length === 0)
    );
  });
  expect(wrong.map(({ alert }) => alert)).toEqual([]);
  const unknown = cases.filter(({ alert }) => !rules.some((rule) => rule.alert === alert));
  expect(unknown.map(({ alert }) => alert)).toEqual([]);
});

test.each(files)(
  'the texts of $controller name only labels that its alerts have',
  ({ rules, cases }) => {
    const problems = rules.flatMap((rule) => {
      const fired = cases.filter(({ alert }) => alert === rule.alert).flatMap(({ fires }) => fires);
      const missing = labelsIn(rule).filter((label) => !fired.every((labels) => label in labels));
      return missing.map((label) => `${rule.alert}: ${label}`);
    });
    expect(problems).toEqual([]);
  },
);

function labelsIn({ annotations }: AlertRule): string[] {
  const text = Object.values(annotations).join(' ');
  return [...text.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label as string);
}

test('an alert has one meaning: severity and times are the same for all controllers', () => {
  const seen = new Map<string, string>();
  for (const { alert, labels, for: duration } of files.flatMap(({ rules }) => rules)) {
    const said = `${labels.severity} for ${duration}`;
    expect(`${alert} ${seen.get(alert) ?? said}`).toBe(`${alert} ${said}`);
    seen.set(alert, said);
  }
});
