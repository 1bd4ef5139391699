import { type ApiAccess, expectSuccess } from '../api-access.ts';
import type { Container, EnvVar, Pod } from './types.ts';

/** The data of a Secret or ConfigMap; undefined when it does not exist. */
export async function dataOf(
  api: ApiAccess,
  plural: 'secrets' | 'configmaps',
  key: { namespace: string; name: string },
): Promise<Record<string, Buffer> | undefined> {
  const reply = await api.send('GET', `/api/v1/namespaces/${key.namespace}/${plural}/${key.name}`);
  if (reply.code === 404) return undefined;
  expectSuccess(reply, `${plural} ${key.namespace}/${key.name}`);
  const { data = {} } = reply.body as { data?: Record<string, string> };
  const encoding = plural === 'secrets' ? 'base64' : 'utf8';
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [name, Buffer.from(value, encoding)]),
  );
}

/** The value of a field that the downward API offers. */
export function fieldOf(pod: Pod, path: string): string {
  const key = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (key) return pod.metadata[key[1] as 'labels' | 'annotations']?.[key[2] as string] ?? '';
  const fields: Record<string, string | undefined> = {
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace,
    'metadata.uid': pod.metadata.uid,
    'spec.nodeName': pod.spec.nodeName,
    'spec.serviceAccountName': pod.spec.serviceAccountName,
    'status.podIP': pod.status?.podIP,
    'status.hostIP': pod.status?.hostIP,
  };
  const value = fields[path];
  if (value === undefined) throw new Error(`fieldRef ${path}: not known to the test node`);
  return value;
}

/** Replaces `$(NAME)` by that variable, as Kubernetes does: unknown ones stay, `$$` is a dollar sign. */
export function expand(text: string, variables: Record<string, string>): string {
  return text.replace(/\$(\$|\(([^)]+)\))/g, (whole, what: string, name?: string) =>
    what === '$' ? '$' : (variables[name as string] ?? whole),
  );
}

/**
 * The environment of a container: that of its image, the address of the API server, and what the container names.
 *
 * @throws Error naming the variable whose source is missing
 */
export async function environmentOf(
  api: ApiAccess,
  pod: Pod,
  container: Container,
  imageEnv: Record<string, string>,
): Promise<Record<string, string>> {
  const variables: Record<string, string> = {
    ...imageEnv,
    HOSTNAME: pod.spec.hostname ?? pod.metadata.name,
    KUBERNETES_SERVICE_HOST: '10.96.0.1',
    KUBERNETES_SERVICE_PORT: '443',
  };
  for (const { prefix = '', secretRef, configMapRef } of container.envFrom ?? []) {
    const found = await sourceOf(api, pod, secretRef, configMapRef);
    for (const [name, value] of Object.entries(found ?? {})) {
      variables[prefix + name] = value.toString();
    }
  }
  for (const variable of container.env ?? []) {
    const value = await variableOf(api, pod, container, variable);
    if (value !== undefined) variables[variable.name] = expand(value, variables);
  }
  return variables;
}

async function sourceOf(
  api: ApiAccess,
  pod: Pod,
  secret?: { name: string; optional?: boolean },
  configMap?: { name: string; optional?: boolean },
): Promise<Record<string, Buffer> | undefined> {
  const ref = secret ?? configMap;
  if (!ref) return undefined;
  const key = { namespace: pod.metadata.namespace as string, name: ref.name };
  const found = await dataOf(api, secret ? 'secrets' : 'configmaps', key);
  if (!found && !ref.optional) throw new Error(`${key.namespace}/${key.name} does not exist`);
  return found;
}

async function variableOf(
  api: ApiAccess,
  pod: Pod,
  container: Container,
  { name, value, valueFrom }: EnvVar,
): Promise<string | undefined> {
  if (!valueFrom) return value ?? '';
  const { fieldRef, resourceFieldRef, secretKeyRef, configMapKeyRef } = valueFrom;
  if (fieldRef) return fieldOf(pod, fieldRef.fieldPath);
  if (resourceFieldRef) return resourceOf(container, resourceFieldRef);
  const found = await sourceOf(api, pod, secretKeyRef, configMapKeyRef);
  const ref = secretKeyRef ?? configMapKeyRef;
  const data = found?.[ref?.key ?? ''];
  if (data === undefined && !ref?.optional) {
    throw new Error(`env ${name}: there is no key ${ref?.key} in ${ref?.name}`);
  }
  return data?.toString();
}

const unitBytes: Record<string, number> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, m: 1e-3, '': 1 };

function quantity(text: string): number {
  const [, number, unit = ''] = /^([0-9.]+)([A-Za-z]*)$/.exec(text) ?? [];
  const factor = unitBytes[unit];
  if (!number || factor === undefined)
    throw new Error(`quantity ${text}: not known to the test node`);
  return Number(number) * factor;
}

function resourceOf(container: Container, ref: { resource: string; divisor?: string }): string {
  const [kind, name] = ref.resource.split('.') as ['limits' | 'requests', string];
  const amount = container.resources?.[kind]?.[name];
  // Without a limit Kubernetes gives what the node has; the test node says one CPU and 1 GiB.
  const fallback = name === 'memory' ? '1Gi' : '1';
  const divisor = ref.divisor && ref.divisor !== '0' ? ref.divisor : '1';
  return String(Math.ceil(quantity(amount ?? fallback) / quantity(divisor)));
}
