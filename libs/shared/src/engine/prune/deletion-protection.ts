import {
  allowPruneAnnotation,
  confirmPruneAnnotation,
  disabledValue,
  type KubeObject,
} from '@sluice/shared/api';
import { isCrd } from '../object/object-fields.ts';
import { displayName, formatObjectId, type ObjectId, objectIdOf } from '../object/object-id.ts';
import type { InventoryEntry } from '../owner/inventory.ts';

/**
 * Says why an object must not be deleted, and what to do if it is meant; undefined when it may be.
 *
 * @param live the object as it stands in the cluster, which may ask for a confirmation; without it, what its kind and
 * name protect
 */
export type Protection = (id: ObjectId, live?: KubeObject) => string | undefined;

/** Whose objects are protected. */
export interface ProtectionOptions {
  /** The Kustomization or HelmRelease; its annotation names what it may delete all the same. */
  owner: KubeObject;
  /** Namespace of the controllers. */
  controllers: string;
  /** Namespaces that the owner's objects are put into. */
  targets: readonly (string | undefined)[];
  /** What the owner has, in which is marked what was there before. */
  inventory: readonly InventoryEntry[];
}

const ownGroups = '.toolkit.fluxcd.io';

/** Whether an object defines a kind that controllers of ours or of Flux reconcile: all its objects go with it. */
function isOwnDefinition({ group, kind, name }: ObjectId): boolean {
  return isCrd({ apiVersion: `${group}/v1`, kind }) && name.endsWith(ownGroups);
}

/** Whether an object is a namespace. */
export function isNamespace({ group, kind }: Pick<ObjectId, 'group' | 'kind'>): boolean {
  return group === '' && kind === 'Namespace';
}

function whyKept(id: ObjectId, o: ProtectionOptions): string | undefined {
  if (isOwnDefinition(id)) return 'every object of its kind, in all namespaces, would go with it';
  if (!isNamespace(id)) return undefined;
  if (id.name === o.controllers) return 'the controllers run in it';
  if (id.name === o.owner.metadata.namespace) return `this ${o.owner.kind} is in it`;
  if (o.targets.includes(id.name)) return 'it is the namespace that objects are put into';
  const text = formatObjectId(id);
  const entry = o.inventory.find((each) => each.id === text);
  return entry?.adopted ? 'it was there before it was first applied' : undefined;
}

function whyUnconfirmed({ metadata }: KubeObject): string | undefined {
  const value = metadata.annotations?.[confirmPruneAnnotation];
  if (value === undefined || value === disabledValue) return undefined;
  return `its annotation ${confirmPruneAnnotation} asks for a confirmation`;
}

/**
 * Returns what keeps an owner from deleting more than it made: definitions of the kinds that the controllers reconcile,
 * and the namespaces of the controllers, of the owner itself, of its targets, and those that were there before; and what
 * asks for a confirmation itself. The owner's annotation `prune.sluice.dev/allow` names those that may go, as
 * `<Kind>/<name>` or `<Kind>/<namespace>/<name>`, separated by commas.
 */
export function protectionOf(o: ProtectionOptions): Protection {
  const { annotations } = o.owner.metadata;
  const allowed = (annotations?.[allowPruneAnnotation] ?? '').split(',').map((part) => part.trim());
  return (id, live) => {
    const why = live === undefined ? whyKept(id, o) : whyUnconfirmed(live);
    const name = displayName(id);
    if (why === undefined || allowed.includes(name)) return undefined;
    return (
      `${name} stays: ${why}; ` +
      `to have it deleted, name it in the annotation ${allowPruneAnnotation} of this ${o.owner.kind}`
    );
  };
}

/** The images of those of Flux's controllers that have a counterpart here, wherever they are mirrored to. */
const fluxImage = /(^|\/)fluxcd\/(source|kustomize|helm|notification)-controller(?=[:@]|$)/;

interface Workload extends KubeObject {
  spec?: { template?: { spec?: { containers?: { image?: unknown }[] } } };
}

/** Whether an object runs a controller of Flux, or makes flux-operator run them. */
function runsFlux(object: KubeObject): boolean {
  const { group, kind } = objectIdOf(object);
  if (group === 'fluxcd.controlplane.io' && kind === 'FluxInstance') return true;
  if (group !== 'apps' || kind !== 'Deployment') return false;
  const { containers } = (object as Workload).spec?.template?.spec ?? {};
  return Array.isArray(containers) && containers.some((one) => fluxImage.test(`${one?.image}`));
}

/** Says which of the objects run controllers of Flux beside ours; undefined when none does. */
export function warnOfFlux(objects: readonly KubeObject[]): string | undefined {
  const names = objects.filter(runsFlux).map(displayName);
  if (names.length === 0) return undefined;
  return (
    `${names.join(', ')} ${names.length === 1 ? 'runs' : 'run'} controllers of Flux beside ours, ` +
    'and both write to the same objects: remove them from the source'
  );
}
