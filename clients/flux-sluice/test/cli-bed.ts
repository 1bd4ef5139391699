import {
  apiVersionOf,
  type HelmRelease,
  helmReleaseKind,
  type Kustomization,
  kustomizationKind,
  type Plan,
  type PlanSpec,
  planKind,
} from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import { connectBus } from '@sluice/shared/bus';
import { createKubeClient, type KubeClient, loadKubeConfig, resourceOf } from '@sluice/shared/kube';
import { testCluster, testNamespace } from '@sluice/testing';
import type { NatsAddress } from '../src/config.ts';
import { runCli } from '../src/run.ts';

/** What a run of the program left behind. */
export interface CliResult {
  code: number;
  out: string;
  notes: string;
}

export interface RunOptions {
  /** For the programs that are run. */
  env?: Record<string, string>;
  /** What the user answers to each question; without one there is no terminal. */
  answer?: string;
  /** Acts as this user. */
  user?: string;
}

/** The program at the shared API server, with a namespace of its own. */
export interface CliBed {
  client: KubeClient;
  namespace: string;
  kubeconfigPath: string;
  /** Runs the program in the namespace of the bed. */
  run(args: string[], o?: RunOptions): Promise<CliResult>;
}

/** Connects as the program does. */
export const openBus = (address: NatsAddress) =>
  connectBus({ ...address, owns: [], logger: silentLogger });

/** The time that the program takes for now. */
export const now = Date.parse('2026-03-01T12:00:00Z');

export const digestA = `sha256:${'a'.repeat(64)}`;
export const digestB = `sha256:${'b'.repeat(64)}`;

export async function startCliBed(): Promise<CliBed> {
  const { client, kubeconfigPath } = await testCluster();
  const namespace = await testNamespace(client, 'cli');
  const run = async (
    args: string[],
    { answer, user, env = {} }: RunOptions = {},
  ): Promise<CliResult> => {
    const result: CliResult = { code: -1, out: '', notes: '' };
    const note = (line: string) => {
      result.notes += `${line}\n`;
    };
    const ask = async (question: string) => {
      note(question);
      return answer ?? '';
    };
    const out = (text: string) => {
      result.out += text;
    };
    const terminal = { out, note, ...(answer !== undefined && { ask }) };
    result.code = await runCli([...args, '--kubeconfig', kubeconfigPath], {
      env,
      terminal,
      connect(invocation) {
        const config = loadKubeConfig(invocation.kubeconfig);
        const impersonate = user === undefined ? undefined : { user };
        const own = createKubeClient({ ...config, ...(impersonate && { impersonate }) });
        const named = invocation.namespace ?? namespace;
        return {
          invocation,
          client: own,
          namespace: named,
          terminal,
          openBus,
          env,
          now: () => now,
        };
      },
    });
    return result;
  };
  return { client, namespace, kubeconfigPath, run };
}

const ready = (status: 'True' | 'False', message: string) => ({
  type: 'Ready',
  status,
  reason: status === 'True' ? 'ReconciliationSucceeded' : 'BuildFailed',
  message,
  lastTransitionTime: '2026-02-01T10:00:00Z',
});

type Status = Record<string, unknown>;

/** The status of an object that is ready. */
export const readyStatus: Status = {
  observedGeneration: 1,
  conditions: [ready('True', 'Applied revision: main@sha1:0123')],
};

/** The status of an object that is not ready. */
export function failedStatus(message: string): Status {
  return { observedGeneration: 1, conditions: [ready('False', message)] };
}

interface NewKustomization {
  name: string;
  status?: Status;
  spec?: object;
  labels?: Record<string, string>;
}

/** Creates a Kustomization, and a status as a controller would write it. */
export async function createKustomization(
  { client, namespace }: CliBed,
  { name, status, spec, labels }: NewKustomization,
): Promise<Kustomization> {
  const resource = resourceOf(kustomizationKind);
  const object = {
    apiVersion: apiVersionOf(kustomizationKind),
    kind: 'Kustomization',
    metadata: { name, namespace, ...(labels && { labels }) },
    spec: {
      interval: '1h',
      prune: true,
      sourceRef: { kind: 'GitRepository', name: 'fleet' },
      ...spec,
    },
  } as unknown as Kustomization;
  const made = await client.create(resource, object);
  if (status === undefined) return made;
  const patch = { type: 'merge', subresource: 'status' } as const;
  return client.patch<Kustomization>(resource, made.metadata, { status }, patch);
}

/** Creates a HelmRelease, and a status as a controller would write it. */
export async function createHelmRelease(
  { client, namespace }: CliBed,
  { name, status }: { name: string; status?: Status },
): Promise<HelmRelease> {
  const resource = resourceOf(helmReleaseKind);
  const object = {
    apiVersion: apiVersionOf(helmReleaseKind),
    kind: 'HelmRelease',
    metadata: { name, namespace },
    spec: { interval: '1h', chartRef: { kind: 'OCIRepository', name: 'charts' } },
  } as unknown as HelmRelease;
  const made = await client.create(resource, object);
  if (status === undefined) return made;
  const patch = { type: 'merge', subresource: 'status' } as const;
  return client.patch<HelmRelease>(resource, made.metadata, { status }, patch);
}

/** Creates a Plan, and returns what the status of its object says of it. */
export async function createPlan(
  { client, namespace }: CliBed,
  spec: Omit<PlanSpec, 'create' | 'change' | 'delete'> & { planName?: string },
) {
  const { planName, ...rest } = spec;
  const count = (action: string) => spec.objects.filter((one) => one.action === action).length;
  const counts = { create: count('Create'), change: count('Change'), delete: count('Delete') };
  const name = planName ?? spec.targetRef.name;
  const plan: Plan = {
    apiVersion: apiVersionOf(planKind),
    kind: 'Plan',
    metadata: { name, namespace },
    spec: { ...rest, ...counts },
  };
  await client.create(resourceOf(planKind), plan);
  const url = `/apis/${apiVersionOf(planKind)}/namespaces/${namespace}/plans/${name}`;
  return { digest: spec.digest, revision: spec.revision, ...counts, url };
}

/** A plan that changes a Deployment and a Secret, creates a Service and deletes a ConfigMap. */
export const exampleObjects: PlanSpec['objects'] = [
  { action: 'Delete', apiVersion: 'v1', kind: 'ConfigMap', namespace: 'apps', name: 'old' },
  {
    action: 'Change',
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    namespace: 'apps',
    name: 'web',
    changes: [
      { path: '.spec.replicas', before: 2, after: 3 },
      { path: '.metadata.labels.team', after: 'blue' },
      { path: '.metadata.labels.old', before: 'x' },
    ],
  },
  {
    action: 'Change',
    apiVersion: 'v1',
    kind: 'Secret',
    namespace: 'apps',
    name: 'login',
    changes: [{ path: '.data.password', before: '*****', after: '*****' }],
  },
  { action: 'Create', apiVersion: 'v1', kind: 'Service', namespace: 'apps', name: 'web' },
];

/** Creates a Kustomization whose plan waits. */
export async function createWaiting(
  bed: CliBed,
  name: string,
  more: { digest?: string; objects?: PlanSpec['objects']; held?: object; omitted?: number } = {},
): Promise<Kustomization> {
  const plan = await createPlan(bed, {
    targetRef: { kind: 'Kustomization', name },
    digest: more.digest ?? digestA,
    revision: 'main@sha1:4f2c1d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d',
    objects: more.objects ?? exampleObjects,
    ...(more.omitted !== undefined && { omitted: more.omitted }),
  });
  const held = more.held ?? { reason: 'Approval' };
  return createKustomization(bed, { name, status: { ...readyStatus, plan, held } });
}
