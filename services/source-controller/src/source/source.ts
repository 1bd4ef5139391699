import type {
  Bucket,
  GitRepository,
  HelmChart,
  HelmRepository,
  OCIRepository,
} from '@sluice/shared/api';
import type { ReconcileContext } from '@sluice/shared/runtime';

/** A kind whose objects are fetched and stored by this service. */
export type Source = Bucket | GitRepository | OCIRepository | HelmRepository | HelmChart;

export type SourceContext =
  | ReconcileContext<Bucket>
  | ReconcileContext<GitRepository>
  | ReconcileContext<OCIRepository>
  | ReconcileContext<HelmRepository>
  | ReconcileContext<HelmChart>;

/** Names an object for the artifact storage. */
export function ownerOf(source: Source): { namespace: string; name: string } {
  return { namespace: source.metadata.namespace ?? '', name: source.metadata.name };
}
