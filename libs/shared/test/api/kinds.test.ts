import {
  type Artifact,
  allKinds,
  apiVersionOf,
  type Condition,
  fieldsOf,
  gitRepositoryKind,
  type HelmRelease,
  type Kustomization,
  type ObjectOf,
  type Provider,
} from '@sluice/shared/api';
import { describe, expect, expectTypeOf, test } from 'vitest';

describe('the kinds', () => {
  test.each(allKinds.map((kind) => [kind.kind, kind] as const))(
    '%s describes every field in whole sentences',
    (_, kind) => {
      const bare = fieldsOf(kind).filter(
        ({ schema }) => !/^[A-Z].{5,}\.$/s.test(schema.description ?? ''),
      );
      expect(bare.map(({ path }) => path)).toEqual([]);
    },
  );

  test.each(allKinds.map((kind) => [kind.kind, kind] as const))(
    '%s has only defaults which its own constraints allow',
    (_, kind) => {
      const wrong = fieldsOf(kind).filter(({ schema }) => {
        const value = schema.default;
        if (typeof value !== 'string') return false;
        const inEnum = schema.enum === undefined || schema.enum.includes(value);
        return !inEnum || !new RegExp(schema.pattern ?? '').test(value);
      });
      expect(wrong.map(({ path }) => path)).toEqual([]);
    },
  );

  test('names are unique within their group', () => {
    const names = allKinds.flatMap((kind) =>
      [kind.plural, ...kind.shortNames].map((name) => `${name}.${kind.group}`),
    );
    expect(new Set(names).size).toBe(names.length);
  });

  test('additions to the Flux API are few and known', () => {
    const counts = [
      'delivered',
      'failed',
      'deadLettered',
      'suppressed',
      'lastDeliveryTime',
      'lastError',
      'lastErrorTime',
    ];
    const policy = ['', '.mode', '.approvals', '.rollback', '.pruneGuard'];
    policy.push('.pruneGuard.maxPercent', '.pruneGuard.maxObjects');
    const said = ['type', 'status', 'reason', 'message'];
    const condition = [...said, 'lastTransitionTime', 'observedGeneration'];
    const planned = ['', '.digest', '.revision', '.create', '.change', '.delete', '.url'];
    const plan = [...planned, '.rejections', '.rejections[]'];
    const admitted = ['', '.digest', '.revision', '.plan', '.healthy', '.healthyRevision'];
    admitted.push('.snapshot', '.healthySnapshot');
    admitted.push('.previous', '.previousRevision', '.previousSnapshot');
    admitted.push('.refused', '.refusedBy', '.refusedReason');
    const change = [
      ...plan.map((path) => `plan${path}`),
      ...['', '.reason', '.until'].map((path) => `held${path}`),
      ...admitted.map((path) => `change${path}`),
      ...['', '.requestedAt', '.result', '.message'].map((path) => `rollback${path}`),
    ];
    const additions = allKinds.flatMap((kind) =>
      fieldsOf(kind)
        .filter((field) => field.addition && !field.path.includes('.ignore[].'))
        .map((field) => `${kind.kind}.${field.path}`),
    );
    expect(additions).toEqual([
      'ArtifactGenerator.status.observedGeneration',
      'Kustomization.spec.dependsOn[].apiVersion',
      'Kustomization.spec.dependsOn[].kind',
      'Kustomization.spec.dependsOn[].ready',
      ...policy.map((path) => `Kustomization.spec.changePolicy${path}`),
      'Kustomization.spec.driftDetection',
      'Kustomization.spec.driftDetection.mode',
      'Kustomization.spec.driftDetection.ignore',
      'Kustomization.spec.driftDetection.ignore[]',
      'Kustomization.status.inventory.entries[].adopted',
      'Kustomization.status.inventory.entries[].digest',
      'Kustomization.status.pinnedArtifacts',
      'Kustomization.status.pinnedArtifacts[]',
      'Kustomization.status.pinnedArtifacts[].sourceRef',
      'Kustomization.status.pinnedArtifacts[].sourceRef.kind',
      'Kustomization.status.pinnedArtifacts[].sourceRef.name',
      'Kustomization.status.pinnedArtifacts[].sourceRef.namespace',
      'Kustomization.status.pinnedArtifacts[].path',
      'Kustomization.status.pinnedArtifacts[].digest',
      ...change.map((path) => `Kustomization.status.${path}`),
      'HelmRelease.spec.dependsOn[].apiVersion',
      'HelmRelease.spec.dependsOn[].kind',
      'HelmRelease.spec.dependsOn[].ready',
      ...policy.map((path) => `HelmRelease.spec.changePolicy${path}`),
      'HelmRelease.spec.valuesFrom[].namespace',
      'HelmRelease.spec.valuesFrom[].path',
      'HelmRelease.status.history[].changes',
      'HelmRelease.status.inventory.entries[].adopted',
      'HelmRelease.status.pinnedArtifacts',
      'HelmRelease.status.pinnedArtifacts[]',
      'HelmRelease.status.pinnedArtifacts[].sourceRef',
      'HelmRelease.status.pinnedArtifacts[].sourceRef.kind',
      'HelmRelease.status.pinnedArtifacts[].sourceRef.name',
      'HelmRelease.status.pinnedArtifacts[].sourceRef.namespace',
      'HelmRelease.status.pinnedArtifacts[].path',
      'HelmRelease.status.pinnedArtifacts[].digest',
      ...change.map((path) => `HelmRelease.status.${path}`),
      'Provider.spec.rateLimit',
      'Provider.spec.rateLimit.count',
      'Provider.spec.rateLimit.per',
      ...counts.map((name) => `Provider.status.${name}`),
      'Provider.status.lastHandledReplayAt',
      'Alert.spec.template',
      'Alert.spec.commitURLTemplate',
      'Alert.spec.audit',
      'Alert.spec.audit.actions',
      'Alert.spec.audit.actions[]',
      'Alert.spec.groupBy',
      'Alert.spec.groupBy.fields',
      'Alert.spec.groupBy.fields[]',
      'Alert.spec.groupBy.window',
      'Alert.spec.threshold',
      'Alert.spec.threshold.count',
      'Alert.spec.threshold.within',
      'Alert.spec.repeatInterval',
      'Alert.spec.quietHours',
      'Alert.spec.quietHours[]',
      'Alert.spec.quietHours[].timeZone',
      'Alert.spec.quietHours[].days',
      'Alert.spec.quietHours[].days[]',
      'Alert.spec.quietHours[].from',
      'Alert.spec.quietHours[].to',
      ...counts.map((name) => `Alert.status.${name}`),
      'Alert.status.observedGeneration',
      'Alert.status.conditions',
      'Alert.status.conditions[]',
      ...condition.map((name) => `Alert.status.conditions[].${name}`),
      'Receiver.spec.onlyPushedRef',
      'Receiver.spec.decisions',
      'Receiver.spec.decisions.serviceAccountName',
      'Receiver.spec.decisions.targets',
      'Receiver.spec.decisions.targets[]',
      'Receiver.spec.decisions.targets[].kind',
      'Receiver.spec.decisions.targets[].name',
      'Receiver.spec.decisions.targets[].namespace',
      'Receiver.spec.decisions.targets[].matchLabels',
      'Receiver.spec.decisions.targets[].matchLabels{}',
      'Receiver.status.lastCall',
      'Receiver.status.lastCall.time',
      'Receiver.status.lastCall.result',
      'Receiver.status.lastCall.reason',
    ]);
  });

  test('additions are optional and have no default, so that existing manifests keep their meaning', () => {
    const additions = allKinds.flatMap((kind) => fieldsOf(kind).filter((field) => field.addition));
    const [top] = additions;
    expect(top?.required).toBe(false);
    expect(additions.filter(({ schema }) => schema.default !== undefined)).toEqual([]);
  });

  test('an apiVersion is the group and the version', () => {
    expect(apiVersionOf(gitRepositoryKind)).toBe('source.toolkit.fluxcd.io/v1');
  });
});

describe('the static types', () => {
  test('follow the schemas', () => {
    type Spec = Kustomization['spec'];
    expectTypeOf<Spec['prune']>().toEqualTypeOf<boolean>();
    expectTypeOf<Spec['retryInterval']>().toEqualTypeOf<string | undefined>();
    expectTypeOf<Spec['sourceRef']['kind']>().toEqualTypeOf<
      'OCIRepository' | 'GitRepository' | 'Bucket' | 'ExternalArtifact'
    >();
    type History = NonNullable<NonNullable<HelmRelease['status']>['history']>;
    expectTypeOf<History[number]['version']>().toEqualTypeOf<number>();
    expectTypeOf<Condition['status']>().toEqualTypeOf<'True' | 'False' | 'Unknown'>();
    expectTypeOf<Artifact['metadata']>().toEqualTypeOf<Record<string, string> | undefined>();
    expectTypeOf<NonNullable<Provider['status']>['delivered']>().toEqualTypeOf<
      number | undefined
    >();
    expectTypeOf<ObjectOf<typeof gitRepositoryKind>['spec']['url']>().toEqualTypeOf<string>();
  });
});
