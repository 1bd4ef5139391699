import { digestOfText, type TextDigestAlgorithm } from '@sluice/shared/base';
import { type GoField, goArray, goJson, goString, goStruct, goTime } from './go-json.ts';
import {
  type Hook,
  type HookExecution,
  type Release,
  type ReleaseInfo,
  runsAt,
} from './release.ts';

/** Version of the way in which {@link digestOf} is computed, that of Helm 4. */
export const snapshotApiVersion = 'v2';

function text(name: string): GoField {
  return { name, omitEmpty: true };
}

function time(name: string): GoField {
  return { name, omitEmpty: true, write: (value) => goString(goTime(String(value))) };
}

function required(name: string, zero: unknown): GoField {
  return { name, write: (value) => goJson(value ?? zero) };
}

function structs(name: string, fields: readonly GoField[]): GoField {
  const write = (value: unknown) =>
    goArray((value as (object | null)[]).map((item) => (item ? goStruct(fields, item) : 'null')));
  return { name, omitEmpty: true, write };
}

const infoFields: readonly GoField[] = [
  time('first_deployed'),
  time('last_deployed'),
  time('deleted'),
  text('description'),
  text('status'),
  text('rollback_revision'),
  text('notes'),
];

const dependencyFields: readonly GoField[] = [
  required('name', ''),
  text('version'),
  required('repository', ''),
  text('condition'),
  text('tags'),
  text('enabled'),
  text('import-values'),
  text('alias'),
];

const metadataFields: readonly GoField[] = [
  text('name'),
  text('home'),
  text('sources'),
  text('version'),
  text('description'),
  text('keywords'),
  structs('maintainers', [text('name'), text('email'), text('url')]),
  text('icon'),
  text('apiVersion'),
  text('condition'),
  text('tags'),
  text('appVersion'),
  text('deprecated'),
  text('annotations'),
  text('kubeVersion'),
  structs('dependencies', dependencyFields),
  text('type'),
];

const executionFields: readonly GoField[] = [
  time('started_at'),
  time('completed_at'),
  required('phase', ''),
];

const hookFields: readonly GoField[] = [
  text('name'),
  text('kind'),
  text('path'),
  text('manifest'),
  text('events'),
  { name: 'last_run', write: (value) => goStruct(executionFields, value as HookExecution) },
  text('weight'),
  text('delete_policies'),
  text('output_log_policies'),
];

const observationFields: readonly GoField[] = [
  required('name', ''),
  required('version', 0),
  { name: 'info', write: (value) => goStruct(infoFields, value as ReleaseInfo) },
  { name: 'chartMetadata', write: (value) => goStruct(metadataFields, value as object) },
  { name: 'config', write: (value) => (Object.keys(value ?? {}).length ? goJson(value) : 'null') },
  required('manifest', ''),
  { name: 'hooks', write: writeHooks },
  required('namespace', ''),
  text('ociDigest'),
];

function writeHooks(value: unknown): string {
  const hooks = (value as Hook[]).filter((hook) => !runsAt(hook, 'test'));
  return hooks.length === 0 ? 'null' : goArray(hooks.map((hook) => goStruct(hookFields, hook)));
}

/** Returns what the digest of a release covers: all but its chart's files, its labels and its tests. */
export function observationOf(release: Release, ociDigest?: string): string {
  const { chart, hooks = [] } = release;
  const observed = { ...release, chartMetadata: chart.metadata, hooks, ociDigest };
  return goStruct(observationFields, observed);
}

/**
 * Returns the checksum of a release as `<algorithm>:<hex>`, byte for byte that of Flux, so that each verifies what the
 * other recorded.
 *
 * @param ociDigest digest of the OCI artifact from which the chart came
 * @see https://github.com/fluxcd/helm-controller/blob/v1.6.3/internal/release/digest.go
 */
export function digestOf(
  release: Release,
  ociDigest?: string,
  algorithm: TextDigestAlgorithm = 'sha256',
): string {
  // Go's encoder ends what it writes with a new line.
  return digestOfText(`${observationOf(release, ociDigest)}\n`, algorithm);
}
