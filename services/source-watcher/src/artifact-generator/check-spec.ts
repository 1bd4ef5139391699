import type { ArtifactGenerator } from '@sluice/shared/api';
import { isObjectName } from '@sluice/shared/api';
import { StalledError, WaitingError } from '@sluice/shared/base';
import { keyOf } from '@sluice/shared/kube';
import { refuseReference } from '@sluice/shared/service';
import { validationFailedReason } from '../names.ts';
import type { GeneratorDeps } from './deps.ts';

/**
 * Checks what the schema cannot.
 *
 * @throws StalledError `ValidationFailed`, or `AccessDenied` for a source of another namespace where that is not allowed
 * @throws WaitingError `ValidationFailed` when its outputs lead back to its sources, which another object may end
 */
export function checkSpec(
  object: ArtifactGenerator,
  { graph, noCrossNamespaceRefs }: Pick<GeneratorDeps, 'graph' | 'noCrossNamespaceRefs'>,
): void {
  const aliases = checkSources(object, noCrossNamespaceRefs);
  checkOutputs(object, aliases);
  const cycle = graph.cycleOf(keyOf(object));
  if (cycle === undefined) return;
  throw new WaitingError(
    validationFailedReason,
    `spec.sources come from what is made of them, so that it would grow for ever: ${cycle.join(' → ')}`,
  );
}

function checkSources(object: ArtifactGenerator, noCrossNamespaceRefs: boolean): Set<string> {
  const aliases = new Set<string>();
  for (const [index, source] of object.spec.sources.entries()) {
    const field = `spec.sources[${index}]`;
    if (aliases.has(source.alias)) refuse(`${field}.alias '${source.alias}' is there twice`);
    aliases.add(source.alias);
    const { kind, name, namespace = object.metadata.namespace ?? '' } = source;
    refuseReference(object, { kind, name, namespace, field }, { noCrossNamespaceRefs });
  }
  return aliases;
}

function checkOutputs({ spec }: ArtifactGenerator, aliases: ReadonlySet<string>): void {
  const names = new Set<string>();
  const known = (field: string, reference: string | undefined) => {
    const [, alias = ''] = /^@([^/]*)/.exec(reference ?? '') ?? [];
    if (reference === undefined || aliases.has(alias)) return;
    refuse(`${field} names the alias '${alias}', which spec.sources does not have`);
  };
  known('spec.pathPattern', spec.pathPattern || undefined);
  for (const [index, { name, revision, originRevision }] of spec.artifacts.entries()) {
    const field = `spec.artifacts[${index}]`;
    if (names.has(name)) refuse(`${field}.name '${name}' is there twice`);
    names.add(name);
    if (!spec.pathPattern && !isObjectName(name)) {
      refuse(`${field}.name '${name}' cannot be the name of an object: use a-z, 0-9, '-' and '.'`);
    }
    known(`${field}.revision`, revision);
    known(`${field}.originRevision`, originRevision);
  }
}

function refuse(message: string): never {
  throw new StalledError(validationFailedReason, message);
}
