import { hash } from 'node:crypto';
import type { KubeObject } from '@sluice/shared/api';
import { type DriftIgnoreRule, isExemptAsWhole, withoutIgnored } from '../drift/drift-ignore.ts';
import { operationalRules } from '../drift/operational-fields.ts';
import { appliedEntry, digestValues } from '../object/compact-object.ts';
import { type FieldSet, isLeaf, projection } from '../object/field-set.ts';
import { formatObjectId, type ObjectId, objectIdOf } from '../object/object-id.ts';
import { applyPolicyOf, isExcluded } from '../object/object-policy.ts';
import type { ApplierIdentity } from './applier-identity.ts';

/** An object as it was applied last; enough to judge whether a watch has caught up. */
export interface LastApply {
  apiVersion: string;
  uid: string | undefined;
  /** Undefined when nothing holds it yet. */
  appliedVersion: string | undefined;
}

interface Entry extends LastApply {
  owner: string;
  /** The fields that we own, as JSON; equal texts are kept once. */
  fields: string;
  /** Digest of what these fields held. */
  digest: string;
  /** The state that was last found to hold what we applied. */
  resourceVersion: string | undefined;
  /** Only the existence of the object matters. */
  existenceOnly: boolean;
  /** Digest of what was sent, and of when that last changed something; undefined when that is not known. */
  sent: string | undefined;
}

/** How objects are recorded. */
export interface RecordOptions {
  /** Fields that are left to others. */
  ignore?: DriftIgnoreRule[];
  /** What an object was made of. */
  sentOf?(object: KubeObject): KubeObject | undefined;
}

/**
 * Remembers what was applied, in a few hundred bytes per object, and tells from a live object alone whether it still
 * holds that. Only fields that we own count: status, fields of other managers, operational annotations, and what the API
 * server or webhooks made of our values do not. What kubectl has added is taken over with the next revision.
 *
 * `isDrifted` may say yes too often, where a field we own as a whole gains parts in the server's version of it; it never
 * says no to a change of a field we own. Confirm with `confirmDrift`, and `accept` the live object if nothing is wrong.
 */
export class AppliedState {
  readonly #identity: ApplierIdentity;
  readonly #entries = new Map<string, Entry>();
  readonly #byOwner = new Map<string, Set<string>>();
  readonly #texts = new Map<string, { text: string; uses: number }>();

  constructor(identity: ApplierIdentity) {
    this.#identity = identity;
  }

  /** Number of objects remembered. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Remembers objects of an owner, next to those recorded before.
   *
   * @param owner any key, such as `<namespace>/<name>`; an object has one owner, the last to record it
   * @param objects as the server returned them, with managed fields; those that we have applied nothing to are passed over
   */
  record(owner: string, objects: KubeObject[], o: RecordOptions = {}): void {
    for (const object of objects) {
      const entry = this.#entryOf(owner, object, o);
      const id = formatObjectId(objectIdOf(object));
      // What is passed over says nothing about the record of another owner.
      if (entry === undefined && this.#entries.get(id)?.owner !== owner) continue;
      this.#remove(id);
      if (entry === undefined) continue;
      this.#entries.set(id, entry);
      const owned = this.#byOwner.get(owner) ?? new Set();
      this.#byOwner.set(owner, owned.add(id));
    }
  }

  /** Forgets the objects of an owner that are not among the given ones, which its inventory now holds. */
  keepOnly(owner: string, ids: Iterable<ObjectId>): void {
    const kept = new Set([...ids].map(formatObjectId));
    for (const id of [...(this.#byOwner.get(owner) ?? [])]) if (!kept.has(id)) this.#remove(id);
  }

  /** Forgets objects of an owner; all unless told. */
  forget(owner: string, ids?: Iterable<ObjectId>): void {
    const owned = this.#byOwner.get(owner);
    const forgotten = ids === undefined ? [...(owned ?? [])] : [...ids].map(formatObjectId);
    for (const id of forgotten) if (owned?.has(id)) this.#remove(id);
  }

  /** Returns the owner that recorded an object. */
  ownerOf(id: ObjectId): string | undefined {
    return this.#entries.get(formatObjectId(id))?.owner;
  }

  /** Returns what is known of the last apply of an object. */
  lastApply(id: ObjectId): Readonly<LastApply> | undefined {
    return this.#entries.get(formatObjectId(id));
  }

  /** Whether a live state is one from before the last apply. */
  predates(live: KubeObject, id: ObjectId): boolean {
    const entry = this.lastApply(id);
    return (
      live.metadata.uid === entry?.uid &&
      Number(live.metadata.resourceVersion) < Number(entry?.appliedVersion)
    );
  }

  /**
   * Whether a live object no longer holds what was applied to it. Makes no request.
   *
   * @param live the object as it is, whole or compact; undefined when it is gone
   * @returns false for objects that were not recorded, are being deleted, or are excluded from reconciliation
   */
  isDrifted(live: KubeObject | undefined, id: ObjectId): boolean {
    const entry = this.#entries.get(formatObjectId(id));
    if (entry === undefined) return false;
    if (live === undefined) return true;
    if (entry.existenceOnly || live.metadata.deletionTimestamp) return false;
    if (live.metadata.resourceVersion === entry.resourceVersion) return false;
    if (isExcluded(live, this.#identity.annotationPrefix)) return false;
    if (digestOf(live, JSON.parse(entry.fields)) !== entry.digest) return true;
    entry.resourceVersion = live.metadata.resourceVersion;
    return false;
  }

  /**
   * Whether a live object is as the owner's last apply of an equal object left it, so that sending it again would change
   * nothing. What others have added is not looked at.
   *
   * @param sent what would be sent
   * @param live the object as a watch has it
   */
  isSettled(owner: string, sent: KubeObject, live: KubeObject): boolean {
    const id = objectIdOf(sent);
    const entry = this.#entries.get(formatObjectId(id));
    if (entry?.sent === undefined || entry.owner !== owner || entry.existenceOnly) return false;
    if (entry.uid !== live.metadata.uid || live.metadata.deletionTimestamp) return false;
    return (
      !this.predates(live, id) &&
      entry.sent === this.#sentDigest(sent, live) &&
      !this.isDrifted(live, id)
    );
  }

  /** Takes a live object as what was applied, after a comparison with the source has found no drift. */
  accept(live: KubeObject, id: ObjectId): void {
    const entry = this.#entries.get(formatObjectId(id));
    if (entry === undefined) return;
    entry.digest = digestOf(live, JSON.parse(entry.fields));
    entry.resourceVersion = live.metadata.resourceVersion;
    entry.appliedVersion ??= live.metadata.resourceVersion;
  }

  /** The server dates our fields anew whenever an apply of our name changes something, whoever makes it. */
  #sentDigest(sent: KubeObject, live: KubeObject): string | undefined {
    const time = appliedEntry(live, this.#identity.fieldManager)?.time;
    if (time === undefined) return undefined;
    return hash('sha256', `${time} ${JSON.stringify(digestValues(sent))}`, 'base64');
  }

  #entryOf(owner: string, object: KubeObject, o: RecordOptions): Entry | undefined {
    const { ignore = [] } = o;
    if (isExcluded(object, this.#identity.annotationPrefix)) return undefined;
    if (isExemptAsWhole(object, ignore)) return undefined;
    const policy = applyPolicyOf(object, this.#identity.annotationPrefix);
    const applied = appliedEntry(object, this.#identity.fieldManager)?.fieldsV1 as
      | FieldSet
      | undefined;
    const existenceOnly = policy === 'IfNotPresent';
    if (applied === undefined && !existenceOnly) return undefined;
    const { 'f:status': _, ...owned } = applied ?? {};
    const set = withoutIgnored(object, owned, [...ignore, ...operationalRules(object)]);
    const fields = this.#keep(isLeaf(set) ? '{".":{}}' : JSON.stringify(set));
    const { uid, resourceVersion } = object.metadata;
    const sent = o.sentOf?.(object);
    return {
      owner,
      apiVersion: object.apiVersion,
      uid,
      appliedVersion: resourceVersion,
      fields,
      digest: digestOf(object, JSON.parse(fields)),
      resourceVersion,
      existenceOnly,
      sent: sent && this.#sentDigest(sent, object),
    };
  }

  #keep(text: string): string {
    const known = this.#texts.get(text) ?? { text, uses: 0 };
    known.uses++;
    this.#texts.set(known.text, known);
    return known.text;
  }

  #remove(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    const owned = this.#byOwner.get(entry.owner);
    owned?.delete(id);
    if (owned?.size === 0) this.#byOwner.delete(entry.owner);
    const text = this.#texts.get(entry.fields);
    if (text !== undefined && --text.uses === 0) this.#texts.delete(entry.fields);
  }
}

function digestOf(object: KubeObject, fields: FieldSet): string {
  return hash('sha256', projection(digestValues(object), fields), 'base64');
}
