import { cut } from '@sluice/shared/base';
import { isForbidden } from '@sluice/shared/kube';
import { CliError } from '../errors.ts';
import { oneLine } from '../output/clean.ts';
import { formatMarkdownTable } from '../output/markdown.ts';
import { print } from '../output/report.ts';
import { formatTable } from '../output/table.ts';
import { exitCodes, type Session } from '../session.ts';
import { type Target, type TargetKind, targetResources } from '../target/target.ts';
import { wantedRevision } from './matches.ts';
import { type Place, type PlaceState, placeOf } from './place.ts';
import { revisionsFor, sourceRevisions } from './source-revisions.ts';

/** Longest message in a table, in characters. */
const maxMessage = 80;
const order: PlaceState[] = ['Pending', 'Running', 'Earlier'];
const header = ['NAMESPACE', 'KIND', 'NAME', 'STATE', 'REVISION', 'SINCE', 'MESSAGE'];

/**
 * Lists what runs a revision, and what does not yet.
 *
 * @returns the exit code: 2 when something does not run it yet or nothing knows it
 * @throws CliError, ApiError, ConnectionError
 */
export async function runWhere(session: Session): Promise<number> {
  const { args, namespace } = session.invocation;
  const wanted = wantedRevision(args[0] ?? '');
  const sources = await sourceRevisions(session, namespace);
  const kinds: TargetKind[] = ['Kustomization', 'HelmRelease'];
  const lists = await Promise.all(kinds.map((kind) => targetsOf(session, kind)));
  const places = lists
    .flat()
    .map((target) => placeOf(target, wanted, revisionsFor(target, sources)))
    .filter((place) => place !== undefined)
    .sort(byState);
  report(session, places);
  const isEverywhere = places.length > 0 && places.every(({ state }) => state !== 'Pending');
  return isEverywhere ? exitCodes.done : exitCodes.changes;
}

async function targetsOf(session: Session, kind: TargetKind): Promise<Target[]> {
  const { namespace } = session.invocation;
  const resource = targetResources[kind];
  try {
    return (await session.client.list<Target>(resource, { namespace })).items;
  } catch (error) {
    if (!isForbidden(error)) throw error;
    const where = namespace === undefined ? 'all namespaces: give one with --namespace' : namespace;
    throw new CliError(`${resource.plural} may not be listed in ${where}`, { cause: error });
  }
}

function byState(a: Place, b: Place): number {
  return order.indexOf(a.state) - order.indexOf(b.state);
}

function report(session: Session, places: Place[]): void {
  const rows = () =>
    places.map(({ namespace = '', kind, name, state, revision = '', since = '', message = '' }) => [
      namespace,
      kind,
      name,
      state,
      revision,
      since,
      cut(oneLine(message), maxMessage),
    ]);
  if (places.length === 0 && session.invocation.output !== 'json') {
    session.terminal.note(`Nothing knows the revision ${oneLine(session.invocation.args[0])}.`);
    return;
  }
  print(session, {
    text: () => formatTable(header, rows()),
    json: () => ({ items: places }),
    markdown: () => formatMarkdownTable(header, rows()),
  });
}
