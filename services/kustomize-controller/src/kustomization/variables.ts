import type { KubeObject, Kustomization } from '@sluice/shared/api';
import { errorMessage, RetryableError } from '@sluice/shared/base';
import { coreResources, isForbidden, isNotFound } from '@sluice/shared/kube';
import { checkVariableName } from '../builder/substitute.ts';
import type { Run } from './run.ts';

interface ConfigObject extends KubeObject {
  data?: Record<string, string>;
}

type Reference = NonNullable<
  NonNullable<Kustomization['spec']['postBuild']>['substituteFrom']
>[number];

/** Names the Secrets and ConfigMaps that a Kustomization refers to, as `Secret/namespace/name`. */
export function configReferencesOf(object: Kustomization): string[] {
  const { postBuild, decryption, kubeConfig } = object.spec;
  const { namespace } = object.metadata;
  const found = (postBuild?.substituteFrom ?? []).map(({ kind, name }) => ({ kind, name }));
  const secrets = [decryption?.secretRef?.name, kubeConfig?.secretRef?.name];
  for (const name of secrets) if (name) found.push({ kind: 'Secret', name });
  if (kubeConfig?.configMapRef)
    found.push({ kind: 'ConfigMap', name: kubeConfig.configMapRef.name });
  return found.map(({ kind, name }) => `${kind}/${namespace}/${name}`);
}

function problemOf(error: unknown): string {
  if (isNotFound(error)) return 'does not exist: create it, or set optional: true';
  if (isForbidden(error)) return 'may not be read by the controller: grant it get on the object';
  return `cannot be read: ${errorMessage(error)}`;
}

async function readConfig(run: Run, reference: Reference, field: string) {
  const resource = reference.kind === 'Secret' ? coreResources.secrets : coreResources.configMaps;
  const { namespace } = run.object.metadata;
  const key = { namespace, name: reference.name };
  try {
    return await run.ctx.client.get<ConfigObject>(resource, key, { signal: run.signal });
  } catch (error) {
    run.signal.throwIfAborted();
    if (reference.optional && isNotFound(error)) return undefined;
    throw new RetryableError(
      'BuildFailed',
      `${reference.kind} '${namespace}/${reference.name}' of ${field} ${problemOf(error)}`,
      { cause: error },
    );
  }
}

/**
 * Loads the variables of spec.postBuild: later references win over earlier ones, spec.postBuild.substitute wins over
 * all. Values lose their line breaks, as in Flux. Values of Secrets are noted for masking.
 *
 * @throws RetryableError BuildFailed that names what is missing or forbidden, or the name that is invalid
 */
export async function loadVariables(run: Run): Promise<Map<string, string>> {
  const { postBuild } = run.object.spec;
  const variables = new Map<string, string>();
  for (const [index, reference] of (postBuild?.substituteFrom ?? []).entries()) {
    const field = `spec.postBuild.substituteFrom[${index}]`;
    const config = await readConfig(run, reference, field);
    for (const [name, raw] of Object.entries(config?.data ?? {})) {
      const isSecret = reference.kind === 'Secret';
      const value = isSecret ? Buffer.from(raw, 'base64').toString() : raw;
      checkVariableName(name, `${reference.kind} '${reference.name}' (${field})`);
      if (isSecret) run.masker.add(value);
      variables.set(name, value.replaceAll('\n', ''));
    }
  }
  for (const [name, value] of Object.entries(postBuild?.substitute ?? {})) {
    checkVariableName(name, 'spec.postBuild.substitute');
    variables.set(name, value.replaceAll('\n', ''));
  }
  return variables;
}
