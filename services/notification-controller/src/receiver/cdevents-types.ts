/**
 * Subjects of version 0.4 of the specification, what may happen to them, and the fields that the content then has.
 *
 * @see https://github.com/cdevents/spec/tree/v0.4.1
 */
const types: Record<string, Record<string, readonly string[]>> = {
  artifact: {
    deleted: [],
    downloaded: [],
    packaged: ['change'],
    published: [],
    signed: ['signature'],
  },
  branch: { created: [], deleted: [] },
  build: { finished: [], queued: [], started: [] },
  change: { abandoned: [], created: [], merged: [], reviewed: [], updated: [] },
  environment: { created: [], deleted: [], modified: [] },
  incident: {
    detected: ['environment'],
    reported: ['environment', 'ticketURI'],
    resolved: ['environment'],
  },
  pipelinerun: { finished: [], queued: [], started: ['pipelineName', 'url'] },
  repository: { created: ['name', 'url'], deleted: [], modified: [] },
  service: {
    deployed: ['artifactId', 'environment'],
    published: [],
    removed: [],
    rolledback: ['artifactId', 'environment'],
    upgraded: ['artifactId', 'environment'],
  },
  taskrun: { finished: [], started: [] },
  testcaserun: {
    finished: ['environment', 'outcome'],
    queued: ['environment'],
    skipped: [],
    started: ['environment'],
  },
  testoutput: { published: ['format', 'outputType'] },
  testsuiterun: {
    finished: ['environment', 'outcome'],
    queued: ['environment'],
    started: ['environment'],
  },
  ticket: {
    closed: ['resolution', 'uri'],
    created: ['creator', 'summary', 'uri'],
    updated: ['uri'],
  },
};

/** Fields that refer to something by its `id`; the others are texts. */
const references = ['change', 'environment'];
/** A text that is a package URL. */
const packageUrls = ['artifactId'];

const ownType = /^dev\.cdevents\.([a-z]+)\.([a-z]+)\.0\.\d+\.\d+/;
const customType = /^dev\.cdeventsx\.[a-z0-9]+-[a-z]+\.[a-z]+\.\d+\.\d+\.\d+/;

/** The fields that the content of an event of a type has; undefined when there is no such type. */
export function contentFields(type: string): readonly string[] | undefined {
  const [, subject = '', predicate = ''] = ownType.exec(type) ?? [];
  const of = Object.hasOwn(types, subject) ? types[subject] : undefined;
  if (of !== undefined && Object.hasOwn(of, predicate)) return of[predicate];
  return customType.test(type) ? [] : undefined;
}

/** Whether a value has the form of a field of a content. */
export function hasForm(field: string, value: unknown): boolean {
  const isReference = references.includes(field);
  const text = isReference ? (value as { id?: unknown } | null | undefined)?.id : value;
  if (typeof text !== 'string' || text === '') return false;
  return !packageUrls.includes(field) || /^pkg:[^/]+\/./.test(text);
}
