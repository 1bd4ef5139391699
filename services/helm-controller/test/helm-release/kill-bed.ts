import {
  type HelmRelease,
  helmReleaseNameLabel,
  helmReleaseNamespaceLabel,
  type KubeObject,
} from '@sluice/shared/api';
import { coreResources, isNotFound } from '@sluice/shared/kube';
import type { Moment } from '@sluice/testing';
import { type Bed, conditionOf, configMaps, secrets, startBed } from './harness.ts';
import { Killer, type Step } from './killer.ts';

/** A controller that can be killed at any step of an action. */
export interface KillBed extends Bed {
  killer: Killer;
}

export async function startKillBed(): Promise<KillBed> {
  const killer = new Killer();
  const bed = await startBed(['--concurrent=16'], { wrap: (client) => killer.wrap(client) });
  return { ...bed, killer };
}

/** An action of which each step is to be interrupted once. */
export interface Interruptible {
  /** Brings a release to where the action begins. */
  prepare?(name: string): Promise<unknown>;
  begin(name: string): Promise<unknown>;
  /** Waits for the end of the action. */
  end(name: string): Promise<unknown>;
  /** Chooses the steps to die at; all unless told. */
  choose?(steps: Step[]): Step[];
}

/** What is there of a release, with `NAME` in place of its name. */
export interface State {
  objects: string[];
  /** How many of its records are deployed, and how many pending or about to be uninstalled. */
  deployed: number;
  unfinished: number;
  /** What `helm ls` says of it. */
  helm: string | undefined;
  conditions: string[];
  history: string | undefined;
  inventory: string[];
}

/** Name of the release that nothing happens to. */
const untouched = 'k0a';

/** Returns what there is of releases. */
async function statesOf(bed: KillBed, names: string[]): Promise<Map<string, State>> {
  const { client, namespace } = bed;
  const kinds = [configMaps, coreResources.serviceAccounts];
  const labelSelector = `${helmReleaseNamespaceLabel}=${namespace}`;
  const lists = await Promise.all(kinds.map((r) => client.list<KubeObject>(r, { labelSelector })));
  const objects = lists.flatMap(({ items }) => items);
  const records = await client.list<KubeObject>(secrets, {
    namespace,
    labelSelector: 'owner=helm',
  });
  const known = JSON.parse(await bed.helm('ls', '--max', '0', '-o', 'json')) as {
    name: string;
    status: string;
  }[];
  return new Map(
    await Promise.all(
      names.map(async (name): Promise<[string, State]> => {
        const release = await findRelease(bed, name);
        const own = objects.filter(({ metadata }) => metadata.name.split('-')[0] === name);
        const statuses = records.items
          .filter(({ metadata }) => metadata.labels?.['name'] === name)
          .map(({ metadata }) => metadata.labels?.['status'] ?? '');
        const state: State = {
          objects: own.map(shown).sort(),
          deployed: statuses.filter((status) => status === 'deployed').length,
          unfinished: statuses.filter((status) => /^pending|ing$/.test(status)).length,
          helm: known.find((one) => one.name === name)?.status,
          conditions: ['Ready', 'Stalled', 'Reconciling'].flatMap((type) => {
            const condition = release && conditionOf(release, type);
            return condition === undefined ? [] : `${type} ${condition.status}`;
          }),
          history: release?.status?.history?.[0]?.status,
          inventory: (release?.status?.inventory?.entries ?? []).map(({ id }) => id).sort(),
        };
        return [name, JSON.parse(JSON.stringify(state).replaceAll(name, 'NAME')) as State];
      }),
    ),
  );
}

async function findRelease(bed: KillBed, name: string): Promise<HelmRelease | undefined> {
  try {
    return await bed.get(name);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function shown(object: KubeObject): string {
  const { kind, metadata } = object;
  const { data } = object as { data?: Record<string, string> };
  const owner = metadata.labels?.[helmReleaseNameLabel];
  return `${kind}/${metadata.name} ${JSON.stringify(data ?? {})} of ${owner}`;
}

interface Case {
  name: string;
  title: string;
  step: Step;
  moment: Moment;
}

/**
 * A process that dies before a request leaves what one that dies after the request before it leaves. So dying before
 * tells something new of the first step, and of those that the server refuses.
 */
function casesOf(steps: readonly Step[]): Case[] {
  return steps.flatMap((step, index) => {
    const title = `${step.call} #${step.occurrence}`;
    const [before, after]: [Case, Case] = [
      { name: `k${index + 1}b`, title: `before ${title}`, step, moment: 'before' },
      { name: `k${index + 1}a`, title: `after ${title}`, step, moment: 'after' },
    ];
    if (!step.done) return [before];
    return index === 0 ? [before, after] : [after];
  });
}

/**
 * Lets a controller die at each step of an action, for a release of its own each, and starts another one.
 *
 * @returns what there is in the end of a release that nothing happened to; of the others, by where that was; and what
 * there should be of those
 */
export async function dieAtEachStep(
  bed: KillBed,
  action: Interruptible,
): Promise<{
  undisturbed: State;
  disturbed: Record<string, State>;
  wanted: Record<string, State>;
}> {
  const { killer } = bed;
  await action.prepare?.(untouched);
  killer.record(untouched);
  await action.begin(untouched);
  await action.end(untouched);
  const steps = killer.stepsOf(untouched);
  const cases = casesOf(action.choose?.(steps) ?? steps);
  await Promise.all(cases.map(({ name }) => action.prepare?.(name)));
  const deaths = cases.map(({ name, step, moment }) => killer.plan(name, step, moment));
  await Promise.all(cases.map(({ name }) => action.begin(name)));
  await Promise.all(deaths);
  await bed.restart();
  await Promise.all(cases.map(({ name }) => action.end(name)));
  const states = await statesOf(bed, [untouched, ...cases.map(({ name }) => name)]);
  const stateOf = (name: string) => states.get(name) as State;
  const undisturbed = stateOf(untouched);
  return {
    undisturbed,
    disturbed: Object.fromEntries(cases.map(({ name, title }) => [title, stateOf(name)])),
    wanted: Object.fromEntries(cases.map(({ title }) => [title, undisturbed])),
  };
}

/** A chart of ConfigMaps that the values name, one ServiceAccount, a hook around each action, and a test. */
export const parts = {
  'values.yaml': 'parts: {}\nbroken: false\n',
  'templates/parts.yaml': `apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .Release.Name }}-account
{{- range $name, $text := .Values.parts }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $.Release.Name }}-{{ $name }}
data:
  text: {{ $text | quote }}
{{- end }}
{{- if .Values.broken }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}-broken
spec:
  ports: []
{{- end }}
`,
  'templates/config.yaml': '',
  'templates/hooks.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-before
  annotations:
    helm.sh/hook: pre-install,pre-upgrade,pre-delete
data:
  text: before
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-after
  annotations:
    helm.sh/hook: post-install,post-upgrade,post-delete
    helm.sh/hook-delete-policy: hook-succeeded
data:
  text: after
`,
};
