import type { Kustomization, PlannedObject } from '@sluice/shared/api';
import {
  type ComparisonOptions,
  compareObjects,
  kustomizeIdentity,
  planOf,
} from '@sluice/shared/applier';
import { SecretMasker } from '@sluice/shared/base';
import { displayName, ObjectError } from '@sluice/shared/engine';
import { isNotFound, readConfigData } from '@sluice/shared/kube';
import { CliError, UsageError } from '../errors.ts';
import { oneLine } from '../output/clean.ts';
import { print } from '../output/report.ts';
import { planMarkdown } from '../plan/plan-markdown.ts';
import { planText } from '../plan/plan-text.ts';
import type { PlanView } from '../plan/plan-view.ts';
import { exitCodes, type Session } from '../session.ts';
import { findTarget, nameOf, referenceOf } from '../target/target.ts';
import { buildFiles } from './build-files.ts';
import { plannedDeletions } from './planned-deletions.ts';

/** Requests under way at a time. */
const concurrency = 4;

/**
 * Prints what the Kustomization that the command line names would do with the files of a folder. Nothing is written to
 * the cluster; the dry-runs need the rights that applying needs.
 *
 * @returns the exit code: 2 when something would change, 0 when nothing would
 * @throws UsageError of another kind, CliError, ApiError, ConnectionError
 */
export async function comparePath(session: Session, path: string): Promise<number> {
  const target = await findTarget(session);
  if (target.kind !== 'Kustomization') {
    throw new UsageError('--path is for Kustomizations: the files of a chart are not built here');
  }
  const owner = target as Kustomization;
  if (owner.spec.kubeConfig !== undefined) {
    throw new CliError(`${nameOf(owner)} applies to another cluster, by spec.kubeConfig`);
  }
  const masker = await maskerOf(session, owner);
  const { objects, encrypted } = await buildFiles(session, owner, path);
  for (const secret of encrypted) {
    session.terminal.note(oneLine(`${displayName(secret)} is encrypted and not compared.`));
  }
  const o: ComparisonOptions = {
    client: session.client,
    identity: kustomizeIdentity([]),
    force: owner.spec.force === true,
    ignore: [],
    mask: (text) => masker.mask(text),
    signal: new AbortController().signal,
  };
  const differences = await compare(() => compareObjects(objects, { ...o, concurrency }));
  const deletions = await plannedDeletions(owner, [...objects, ...encrypted], {
    ...o,
    concurrency,
  });
  const plan = planOf('', differences);
  return show(session, { owner, path, objects: [...deletions, ...plan.objects] });
}

/** What variables take from Secrets must not be seen in what they are put into. */
async function maskerOf({ client }: Session, { metadata, spec }: Kustomization) {
  const masker = new SecretMasker();
  for (const { kind, name } of spec.postBuild?.substituteFrom ?? []) {
    if (kind !== 'Secret') continue;
    try {
      const key = { namespace: metadata.namespace, name };
      const data = await readConfigData(client, kind, key);
      for (const value of Object.values(data)) masker.add(value);
    } catch (error) {
      // flux reads it as well, and says what is missing.
      if (!isNotFound(error)) throw error;
    }
  }
  return masker;
}

async function compare<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ObjectError) throw new CliError(error.message, { cause: error });
    throw error;
  }
}

interface Compared {
  owner: Kustomization;
  path: string;
  objects: PlannedObject[];
}

function show(session: Session, { owner, path, objects }: Compared): number {
  const count = (...actions: PlannedObject['action'][]) =>
    objects.filter(({ action }) => actions.includes(action)).length;
  const counts = {
    create: count('Create'),
    change: count('Change', 'Recreate'),
    delete: count('Delete'),
  };
  const view: PlanView = {
    target: owner,
    ...counts,
    facts: [{ label: 'Files', value: path }],
    sentence: 'It is what applying them to the cluster would do now.',
    objects,
  };
  print(session, {
    text: () => planText(view),
    json: () => ({ ...referenceOf(owner), files: path, plan: { ...counts, objects }, held: null }),
    markdown: () => planMarkdown(view),
  });
  return objects.length === 0 ? exitCodes.done : exitCodes.changes;
}
