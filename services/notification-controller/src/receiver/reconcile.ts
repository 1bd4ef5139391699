import { type Receiver, receiverKind } from '@sluice/shared/api';
import { errorMessage, parseDuration, RetryableError, StalledError } from '@sluice/shared/base';
import { checkCelCount } from '@sluice/shared/kube';
import { done, type ReconcileContext, type Reconciler } from '@sluice/shared/runtime';
import { type SecretReader, SecretUnavailableError } from '../provider/secrets.ts';
import { checkDecisions } from './check-decisions.ts';
import { compileFilters } from './filters.ts';
import { compileClaims, oidcExpressions } from './oidc-claims.ts';
import { maxResources } from './request-all.ts';
import { receiverSecret, TokenNotFoundError } from './token.ts';
import { webhookPath } from './webhook-path.ts';
import { webhookTypes } from './webhook-types.ts';

const defaultIntervalMs = 10 * 60_000;

/** Makes the reconciler that gives each Receiver its path. */
export function receiverReconciler(o: {
  controllerName: string;
  readSecret: SecretReader;
  noCrossNamespaceRefs: boolean;
}): Reconciler<Receiver> {
  return {
    kind: receiverKind,
    controllerName: o.controllerName,
    intervalMs: ({ spec }) => (spec.interval ? parseDuration(spec.interval) : defaultIntervalMs),
    async reconcile(context) {
      checkSpec(context.object, o);
      context.status.reconciling('Progressing', 'Reconciliation in progress');
      const path = await pathOf(context, o.readSecret);
      context.status.status.webhookPath = path;
      context.status.ready('Succeeded', `Receiver initialized for path: ${path}`);
      return done();
    },
    // Receivers taken over from Flux carry its finalizer.
    finalize: async () => done(),
  };
}

/** @throws StalledError that names the field and the fix */
function checkSpec(receiver: Receiver, rules: { noCrossNamespaceRefs: boolean }): void {
  const { spec } = receiver;
  if (!Object.hasOwn(webhookTypes, spec.type)) {
    const known = Object.keys(webhookTypes).sort().join(', ');
    throw new StalledError(
      'ValidationFailed',
      `spec.type '${spec.type}' is not supported: use one of ${known}`,
    );
  }
  if (spec.resources.length > maxResources) {
    throw new StalledError(
      'ValidationFailed',
      `spec.resources has ${spec.resources.length} entries, more than ${maxResources}: name '*' with matchLabels, or make several Receivers`,
    );
  }
  compileFilters(spec);
  checkDecisions(receiver, rules);
  const providers = spec.oidcProviders ?? [];
  checkCelCount(providers.flatMap(oidcExpressions), 'spec.oidcProviders');
  providers.forEach(compileClaims);
}

async function pathOf(context: ReconcileContext<Receiver>, read: SecretReader): Promise<string> {
  const { name, namespace = '' } = context.object.metadata;
  try {
    const { token } = await receiverSecret(context.object, read);
    return webhookPath(token, name, namespace);
  } catch (error) {
    if (!(error instanceof TokenNotFoundError || error instanceof SecretUnavailableError)) {
      throw error;
    }
    delete context.status.status.webhookPath;
    throw new RetryableError('TokenNotFound', errorMessage(error), { cause: error });
  }
}
