import type { Kustomization } from '@sluice/shared/api';
import { RetryableError } from '@sluice/shared/base';
import { isNotFound, readConfigData, whyNoConfig } from '@sluice/shared/kube';
import { checkVariableName } from '../builder/substitute.ts';
import type { Run } from './run.ts';

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

async function readReference(run: Run, { kind, name, optional }: Reference, field: string) {
  const { namespace } = run.object.metadata;
  try {
    return await readConfigData(run.ctx.client, kind, { namespace, name }, run.signal);
  } catch (error) {
    run.signal.throwIfAborted();
    if (optional && isNotFound(error)) return {};
    const why = whyNoConfig(error, { mayBeOptional: true });
    throw new RetryableError('BuildFailed', `${kind} '${namespace}/${name}' of ${field} ${why}`, {
      cause: error,
    });
  }
}

/**
 * Loads the variables of spec.postBuild: later references win over earlier ones, spec.postBuild.substitute wins over
 * all. Values lose their line breaks, as in Flux. Values of Secrets are noted for masking.
 *
 * @param onSecret hears of each value of a Secret
 * @throws RetryableError BuildFailed that names what is missing or forbidden, or the name that is invalid
 */
export async function loadVariables(
  run: Run,
  onSecret: (value: string) => void,
): Promise<Map<string, string>> {
  const { postBuild } = run.object.spec;
  const variables = new Map<string, string>();
  for (const [index, reference] of (postBuild?.substituteFrom ?? []).entries()) {
    const field = `spec.postBuild.substituteFrom[${index}]`;
    const data = await readReference(run, reference, field);
    for (const [name, value] of Object.entries(data)) {
      checkVariableName(name, `${reference.kind} '${reference.name}' (${field})`);
      if (reference.kind === 'Secret') onSecret(value);
      variables.set(name, value.replaceAll('\n', ''));
    }
  }
  for (const [name, value] of Object.entries(postBuild?.substitute ?? {})) {
    checkVariableName(name, 'spec.postBuild.substitute');
    variables.set(name, value.replaceAll('\n', ''));
  }
  return variables;
}
