import { isObjectName, type Receiver } from '@sluice/shared/api';
import { StalledError } from '@sluice/shared/base';
import { refuseReference } from '@sluice/shared/service';

/**
 * Checks `spec.decisions` of a Receiver.
 *
 * @throws StalledError ValidationFailed or AccessDenied that names the field and the fix
 */
export function checkDecisions(receiver: Receiver, rules: { noCrossNamespaceRefs: boolean }): void {
  const { type, decisions, resources, onlyPushedRef } = receiver.spec;
  if (decisions === undefined) return;
  const refuse = (why: string) => new StalledError('ValidationFailed', `spec.decisions ${why}`);
  if (type !== 'generic-hmac')
    throw refuse(`is only for spec.type 'generic-hmac': '${type}' does not sign what a body says`);
  if (resources.length > 0 || onlyPushedRef)
    throw refuse(
      'asks for no reconciliations: empty spec.resources and remove spec.onlyPushedRef, or make another Receiver for them',
    );
  const { serviceAccountName, targets } = decisions;
  if (!isObjectName(serviceAccountName))
    throw refuse(`has serviceAccountName '${serviceAccountName}', which cannot be one: correct it`);
  const own = receiver.metadata.namespace ?? '';
  targets.forEach(({ kind, name, namespace = own, matchLabels = {} }, index) => {
    const field = `targets[${index}]`;
    if (name === '*' && Object.keys(matchLabels).length === 0)
      throw refuse(`has name '*' without matchLabels in ${field}: add them, or name the object`);
    const reference = { kind, name, namespace, field: `spec.decisions.${field}` };
    refuseReference(receiver, reference, rules, `name an object of namespace '${own}'`);
  });
}
