import { type ArtifactGenerator, isObjectName } from '@sluice/shared/api';
import { BudgetError, errorMessage, RetryableError, StalledError } from '@sluice/shared/base';
import { CompositionError } from '../composition/composition-error.ts';
import type { CopyOperation } from '../composition/copy-files.ts';
import { type FoundDirectory, splitCaptures } from '../composition/find-directories.ts';
import { buildFailedReason } from '../names.ts';

type OutputSpec = ArtifactGenerator['spec']['artifacts'][number];

/** An ExternalArtifact to make, its captures replaced. */
export interface OutputRequest {
  name: string;
  copy: CopyOperation[];
  revision: string | undefined;
  originRevision: string | undefined;
  /** Labels that spec.pathPattern gives it. */
  labels: Record<string, string>;
}

/** Of one ArtifactGenerator. */
const maxRequests = 1000;

/** Returns what an ArtifactGenerator without a pattern makes. */
export function plainRequests({ spec }: ArtifactGenerator): OutputRequest[] {
  return spec.artifacts.map((output) => requestOf(output, output.name, output.copy, {}));
}

/**
 * Returns what an ArtifactGenerator makes for the directories that its pattern has found.
 *
 * @throws StalledError `BuildFailed` when the names of directories cannot become labels or names of objects, or two
 *   directories the same name
 */
export function requestsFor(
  { spec }: ArtifactGenerator,
  directories: readonly FoundDirectory[],
): OutputRequest[] {
  return expanding(() => {
    const requests = directories.flatMap(({ path, captures }) => {
      const raw = new Map(captures);
      const small = new Map(captures.map(([name, value]) => [name, value.toLowerCase()]));
      for (const [name, value] of small) checkLabel(path, name, value);
      return spec.artifacts.map((output) => ({ path, request: fill(output, raw, small) }));
    });
    if (requests.length > maxRequests) {
      throw new BudgetError(
        `the directories that match make ${requests.length} artifacts, more than ${maxRequests}`,
      );
    }
    const paths = new Map<string, string>();
    for (const { path, request } of requests) {
      checkName(path, request.name, paths.get(request.name));
      paths.set(request.name, path);
    }
    return requests.map(({ request }) => request);
  });
}

/**
 * Gives a failure to find out what a pattern stands for the reason and message that clients see.
 *
 * @throws StalledError `BuildFailed`; RetryableError `BuildFailed` when it is over a limit
 */
export function expanding<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw expansionError(error);
  }
}

/** Returns the error of {@link expanding}. */
export function expansionError(error: unknown): unknown {
  const message = `spec.pathPattern cannot be expanded: ${errorMessage(error)}`;
  if (error instanceof CompositionError) return new StalledError(buildFailedReason, message);
  if (error instanceof BudgetError)
    return new RetryableError(buildFailedReason, message, { cause: error });
  return error;
}

function requestOf(
  { revision, originRevision }: OutputSpec,
  name: string,
  copy: CopyOperation[],
  labels: Record<string, string>,
): OutputRequest {
  return { name, copy, revision, originRevision, labels };
}

type Captures = ReadonlyMap<string, string>;

/** Names and labels are in small letters, paths as they are in the source. */
function fill(output: OutputSpec, raw: Captures, small: Captures): OutputRequest {
  const copy = output.copy.map((operation) => ({
    ...operation,
    from: replaceCaptures(operation.from, raw),
    to: replaceCaptures(operation.to, raw),
  }));
  return requestOf(output, replaceCaptures(output.name, small), copy, Object.fromEntries(small));
}

function replaceCaptures(text: string, captures: Captures): string {
  return splitCaptures(text)
    .map((piece, index) => {
      if (index % 2 === 0) return piece;
      const value = captures.get(piece);
      if (value !== undefined) return value;
      throw new CompositionError(`'${text}' uses {${piece}}, which spec.pathPattern does not have`);
    })
    .join('');
}

const labelValue = /^[a-z0-9](?:[-a-z0-9_.]*[a-z0-9])?$/;

function checkLabel(path: string, name: string, value: string): void {
  if (value.length <= 63 && labelValue.test(value)) return;
  throw new CompositionError(
    `directory '${path}': {${name}} stands for '${value}', which cannot be the value of a label`,
  );
}

function checkName(path: string, name: string, before: string | undefined): void {
  if (!isObjectName(name)) {
    throw new CompositionError(
      `directory '${path}' makes the name '${name}', which no object can have`,
    );
  }
  if (before === undefined) return;
  throw new CompositionError(`directories '${before}' and '${path}' both make the name '${name}'`);
}
