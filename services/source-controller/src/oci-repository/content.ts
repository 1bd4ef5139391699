import type { OCIRepository } from '@sluice/shared/api';

type Status = NonNullable<OCIRepository['status']>;
type LayerSelector = OCIRepository['spec']['layerSelector'];

/** Tells whether what the spec says about the content differs from what the artifact was made with. */
export function contentConfigChanged(spec: OCIRepository['spec'], status: Status): boolean {
  return (
    spec.ignore !== status.observedIgnore ||
    describe(spec.layerSelector) !== describe(status.observedLayerSelector)
  );
}

function describe(selector: LayerSelector): string {
  return `${selector?.operation || 'extract'} ${selector?.mediaType ?? ''}`;
}

/** Records with which settings the current artifact was made. */
export function recordContentConfig(spec: OCIRepository['spec'], status: Status): void {
  const { ignore, layerSelector } = spec;
  if (ignore === undefined) delete status.observedIgnore;
  else status.observedIgnore = ignore;
  if (layerSelector === undefined) delete status.observedLayerSelector;
  else status.observedLayerSelector = layerSelector;
}
