import type { FluxEvent } from '@sluice/shared/api';

/** The commit that events are about. */
export const commit = '69b59063470310ebbd88a9156325322a124e55a3';
export const aboutCommit: Partial<FluxEvent> = { metadata: { revision: `main@sha1:${commit}` } };
export const failed: Partial<FluxEvent> = { severity: 'error', reason: 'HealthCheckFailed' };
export const goesOn: Partial<FluxEvent> = { reason: 'Progressing' };
/** Made of kind, name and the beginning of the Provider's UID. */
export const statusId = 'kustomization/web/49f68a5c';
/** printf kustomization/web/49f68a5c | sha1sum */
export const statusKey = 'fd82ddc724fc4e7d47eb4a5e0ab4d916d5ac1491';

export const noCommit = {
  name: 'an event without a commit',
  change: { event: { metadata: { env: 'prod' } } },
  says: 'the event names no commit',
  permanent: true,
};
export const noHash = {
  name: 'a revision that is no commit',
  change: { event: { metadata: { revision: '1.2.3' } } },
  says: "the revision '1.2.3' of the event is no commit",
  permanent: true,
};

/** A comment of the event on change request 7. */
export const aboutRequest: Partial<FluxEvent> = {
  metadata: { change_request: '7', revision: 'main@sha1:abc' },
};
export const markerOf = (kind: string) =>
  `<!-- flux-${kind}-comment-key:49f68a5c-8c8d-4cb8-b3b1-5fcd2d5d3c8b/Kustomization/apps/web -->`;
export const commentText = (kind: string) =>
  `${markerOf(kind)}\n\n## Flux Status\n\nℹ️ Kustomization/apps/web\n\nApplied revision: main@sha1:abc\n\nMetadata:\n* \`revision\`: main@sha1:abc\n`;
export const noRequest = {
  name: 'an event without a change request',
  change: { event: { metadata: {} } },
  says: "the event's 'change_request' is no number",
  permanent: true,
};
export const wrongRequest = {
  name: 'a change request that is no number',
  change: { event: { metadata: { change_request: '7/../8' } } },
  says: "the event's 'change_request' is no number",
  permanent: true,
};
