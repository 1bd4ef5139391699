import {
  changesFact,
  commitAuthorFact,
  commitSubjectFact,
  commitUrlFact,
  type FluxEvent,
  firstFailureFact,
} from '@sluice/shared/api';

/** What a message about an event is made of. */
export interface Facts {
  /** The object as `kind/name.namespace`, the kind in small letters. */
  object: string;
  isError: boolean;
  /** In the order of the keys, with what is an addition of ours at the end. */
  metadata: [key: string, value: string][];
}

/** Where there is no room for all metadata, these are the first to be left out. */
const additions: readonly string[] = [
  changesFact,
  commitAuthorFact,
  commitSubjectFact,
  commitUrlFact,
  firstFailureFact,
];

/** A reason that says that something goes on; it is neither success nor failure. */
const progressing = 'Progressing';

export function factsOf({ involvedObject, severity, metadata = {} }: FluxEvent): Facts {
  const { kind, name, namespace = '' } = involvedObject;
  return {
    object: `${kind.toLowerCase()}/${name}.${namespace}`,
    isError: severity === 'error',
    metadata: Object.entries(metadata).sort(([a], [b]) => {
      const last = Number(additions.includes(a)) - Number(additions.includes(b));
      return last || (a < b ? -1 : 1);
    }),
  };
}

/** Whether an event says that something goes on. */
export function isProgress(event: FluxEvent): boolean {
  return event.reason === progressing;
}

/** A reason in words, such as `health check failed`. */
export function reasonInWords(reason: string): string {
  const words = reason.match(
    /\p{Lu}+(?=\p{Lu}\p{Ll})|\p{Lu}?\p{Ll}+|\p{Lu}+|\p{Nd}+|[^\p{Lu}\p{Ll}\p{Nd}]+/gu,
  );
  return (words ?? []).join(' ').toLowerCase();
}

/** The object as `kind/name` in small letters. */
export function shortName({ involvedObject }: FluxEvent): string {
  return `${involvedObject.kind}/${involvedObject.name}`.toLowerCase();
}
