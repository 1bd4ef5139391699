/** In what an outcome can be another one. */
export type Aspect = 'ready' | 'inventory' | 'objects';

/** A difference that is meant. */
export interface Accepted {
  aspects: Aspect[];
  /** Why; docs/compatibility.md says it to users. */
  reason: string;
}

const tag = {
  'a variable: a value that is a tag': {
    aspects: ['ready', 'inventory', 'objects'],
    reason: 'a tag that YAML does not know is refused; Flux makes an empty text of it',
  },
} satisfies Record<string, Accepted>;

/** Where variables need not be set, by the name of the case. */
export const acceptedWhereLenient: Record<string, Accepted> = {
  ...tag,
  'a variable: an unset variable as a key': {
    aspects: ['ready', 'inventory', 'objects'],
    reason: 'a key that is missing is read as null, which Flux refuses',
  },
};

/** By the name of the case. */
export const accepted: Record<string, Accepted> = {
  ...tag,
  'one object of two versions': {
    aspects: ['inventory'],
    reason: "Flux's inventory names the object once for each version",
  },
  'exported objects and local configuration': {
    aspects: ['ready', 'inventory', 'objects'],
    reason: 'Flux sends the uid of exported objects, which the server refuses',
  },
  'values that are no text in a ConfigMap': {
    aspects: ['inventory'],
    reason: 'the server answers with 500, after which an object may be there: it stays tracked',
  },
  anchors: {
    aspects: ['inventory', 'objects'],
    reason: 'one object is refused for its name; the others are applied, and none of them by Flux',
  },
  'managed by': {
    aspects: ['objects'],
    reason: 'Flux names its own version in place of that of kustomize',
  },
};
