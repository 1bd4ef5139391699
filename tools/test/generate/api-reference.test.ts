import { allKinds, fieldsOf, kustomizationKind } from '@sluice/shared/api';
import { beforeAll, expect, test } from 'vitest';
import { generateApiReference } from '../../generate/api-reference.ts';

let pages: Map<string, string>;

beforeAll(async () => {
  pages = await generateApiReference();
});

function rowsOf(page: string): string[][] {
  return page
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .slice(2, -2)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
}

test('the index links a page for every kind', () => {
  expect(pages.size).toBe(allKinds.length + 1);
  const index = pages.get('docs/api/README.md') ?? '';
  const links = [...index.matchAll(/\]\((.*?)\)/g)].map(([, link]) => `docs/api/${link}`);
  expect(links).toHaveLength(allKinds.length);
  expect(links.filter((link) => !pages.has(link))).toEqual([]);
});

test('a page has one row for every field', () => {
  const rows = rowsOf(pages.get('docs/api/kustomization.md') ?? '').filter(
    (row) => row.length === 6,
  );
  const paths = rows.map(([path]) => path?.replaceAll('`', ''));
  const fields = fieldsOf(kustomizationKind).map((field) => field.path);
  expect(paths.filter((path) => path?.startsWith('s'))).toEqual(fields);
});

test('a row tells type, requirement, default, constraints and meaning', () => {
  const rows = rowsOf(pages.get('docs/api/helm-chart.md') ?? '');
  const row = rows.find(([path]) => path === '`spec.reconcileStrategy`');
  expect(row?.slice(1, 5)).toEqual([
    'string',
    'no',
    '`"ChartVersion"`',
    'one of `ChartVersion`, `Revision`',
  ]);
  expect(rows.find(([path]) => path === '`spec.valuesFiles`')?.[1]).toBe('list of string');
});

test('additions are marked, and nothing else is', () => {
  const marked = [...pages].flatMap(([path, page]) =>
    rowsOf(page)
      .filter((row) => row.at(-1)?.startsWith('**Sluice addition.**'))
      .map(([field]) => `${path} ${field}`),
  );
  const nested = /`(spec\.(driftDetection|changePolicy)|status\.(plan|held|change|rollback)\b)/;
  expect(marked.filter((row) => !nested.test(row)).sort()).toEqual([
    'docs/api/alert.md `spec.audit.actions[]`',
    'docs/api/alert.md `spec.audit.actions`',
    'docs/api/alert.md `spec.audit`',
    'docs/api/alert.md `spec.commitURLTemplate`',
    'docs/api/alert.md `spec.groupBy.fields[]`',
    'docs/api/alert.md `spec.groupBy.fields`',
    'docs/api/alert.md `spec.groupBy.window`',
    'docs/api/alert.md `spec.groupBy`',
    'docs/api/alert.md `spec.quietHours[].days[]`',
    'docs/api/alert.md `spec.quietHours[].days`',
    'docs/api/alert.md `spec.quietHours[].from`',
    'docs/api/alert.md `spec.quietHours[].timeZone`',
    'docs/api/alert.md `spec.quietHours[].to`',
    'docs/api/alert.md `spec.quietHours[]`',
    'docs/api/alert.md `spec.quietHours`',
    'docs/api/alert.md `spec.repeatInterval`',
    'docs/api/alert.md `spec.template`',
    'docs/api/alert.md `spec.threshold.count`',
    'docs/api/alert.md `spec.threshold.within`',
    'docs/api/alert.md `spec.threshold`',
    'docs/api/alert.md `status.conditions[].lastTransitionTime`',
    'docs/api/alert.md `status.conditions[].message`',
    'docs/api/alert.md `status.conditions[].observedGeneration`',
    'docs/api/alert.md `status.conditions[].reason`',
    'docs/api/alert.md `status.conditions[].status`',
    'docs/api/alert.md `status.conditions[].type`',
    'docs/api/alert.md `status.conditions[]`',
    'docs/api/alert.md `status.conditions`',
    'docs/api/alert.md `status.deadLettered`',
    'docs/api/alert.md `status.delivered`',
    'docs/api/alert.md `status.failed`',
    'docs/api/alert.md `status.lastDeliveryTime`',
    'docs/api/alert.md `status.lastErrorTime`',
    'docs/api/alert.md `status.lastError`',
    'docs/api/alert.md `status.observedGeneration`',
    'docs/api/alert.md `status.suppressed`',
    'docs/api/artifact-generator.md `status.observedGeneration`',
    'docs/api/helm-release.md `spec.dependsOn[].apiVersion`',
    'docs/api/helm-release.md `spec.dependsOn[].kind`',
    'docs/api/helm-release.md `spec.dependsOn[].ready`',
    'docs/api/helm-release.md `spec.valuesFrom[].namespace`',
    'docs/api/helm-release.md `spec.valuesFrom[].path`',
    'docs/api/helm-release.md `status.history[].changes`',
    'docs/api/helm-release.md `status.inventory.entries[].adopted`',
    'docs/api/helm-release.md `status.pinnedArtifacts[].digest`',
    'docs/api/helm-release.md `status.pinnedArtifacts[].path`',
    'docs/api/helm-release.md `status.pinnedArtifacts[].sourceRef.kind`',
    'docs/api/helm-release.md `status.pinnedArtifacts[].sourceRef.name`',
    'docs/api/helm-release.md `status.pinnedArtifacts[].sourceRef.namespace`',
    'docs/api/helm-release.md `status.pinnedArtifacts[].sourceRef`',
    'docs/api/helm-release.md `status.pinnedArtifacts[]`',
    'docs/api/helm-release.md `status.pinnedArtifacts`',
    'docs/api/kustomization.md `spec.dependsOn[].apiVersion`',
    'docs/api/kustomization.md `spec.dependsOn[].kind`',
    'docs/api/kustomization.md `spec.dependsOn[].ready`',
    'docs/api/kustomization.md `status.inventory.entries[].adopted`',
    'docs/api/kustomization.md `status.inventory.entries[].digest`',
    'docs/api/kustomization.md `status.pinnedArtifacts[].digest`',
    'docs/api/kustomization.md `status.pinnedArtifacts[].path`',
    'docs/api/kustomization.md `status.pinnedArtifacts[].sourceRef.kind`',
    'docs/api/kustomization.md `status.pinnedArtifacts[].sourceRef.name`',
    'docs/api/kustomization.md `status.pinnedArtifacts[].sourceRef.namespace`',
    'docs/api/kustomization.md `status.pinnedArtifacts[].sourceRef`',
    'docs/api/kustomization.md `status.pinnedArtifacts[]`',
    'docs/api/kustomization.md `status.pinnedArtifacts`',
    'docs/api/provider.md `spec.rateLimit.count`',
    'docs/api/provider.md `spec.rateLimit.per`',
    'docs/api/provider.md `spec.rateLimit`',
    'docs/api/provider.md `status.deadLettered`',
    'docs/api/provider.md `status.delivered`',
    'docs/api/provider.md `status.failed`',
    'docs/api/provider.md `status.lastDeliveryTime`',
    'docs/api/provider.md `status.lastErrorTime`',
    'docs/api/provider.md `status.lastError`',
    'docs/api/provider.md `status.lastHandledReplayAt`',
    'docs/api/provider.md `status.suppressed`',
    'docs/api/receiver.md `spec.decisions.serviceAccountName`',
    'docs/api/receiver.md `spec.decisions.targets[].kind`',
    'docs/api/receiver.md `spec.decisions.targets[].matchLabels`',
    'docs/api/receiver.md `spec.decisions.targets[].matchLabels{}`',
    'docs/api/receiver.md `spec.decisions.targets[].name`',
    'docs/api/receiver.md `spec.decisions.targets[].namespace`',
    'docs/api/receiver.md `spec.decisions.targets[]`',
    'docs/api/receiver.md `spec.decisions.targets`',
    'docs/api/receiver.md `spec.decisions`',
    'docs/api/receiver.md `spec.onlyPushedRef`',
    'docs/api/receiver.md `status.lastCall.reason`',
    'docs/api/receiver.md `status.lastCall.result`',
    'docs/api/receiver.md `status.lastCall.time`',
    'docs/api/receiver.md `status.lastCall`',
  ]);
  expect(marked).toContain('docs/api/kustomization.md `spec.driftDetection`');
});

test('rules over several fields are listed', () => {
  expect(pages.get('docs/api/bucket.md')).toContain(
    'set either spec.secretRef or spec.serviceAccountName',
  );
});
