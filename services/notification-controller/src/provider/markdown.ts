import type { FluxEvent } from '@sluice/shared/api';
import { changeRequestKey } from '../event/metadata.ts';
import { factsOf } from './facts.ts';

/** An event as a Markdown text with a heading; without the number of the change request it may be posted to. */
export function markdownOf(event: FluxEvent): string {
  const { kind, namespace = '', name } = event.involvedObject;
  const { isError, metadata } = factsOf(event);
  const lines = metadata
    .filter(([key]) => key !== changeRequestKey)
    .map(([key, value]) => `* \`${key}\`: ${value}\n`);
  const mark = isError ? '⚠️' : 'ℹ️';
  return `## Flux Status\n\n${mark} ${kind}/${namespace}/${name}\n\n${event.message}\n\nMetadata:\n${lines.join('')}`;
}
