/** A cloud, or what stands for it, gave no login. The message names what to correct and holds no credentials. */
export class CloudLoginError extends Error {
  override name = 'CloudLoginError';
  /** Milliseconds that the service asked to wait. */
  readonly retryAfterMs?: number;

  constructor(message: string, o: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, { cause: o.cause });
    if (o.retryAfterMs !== undefined) this.retryAfterMs = o.retryAfterMs;
  }
}

/** What an object, or its Secret, says of a login is wrong, so that no later attempt helps. */
export class LoginSettingsError extends CloudLoginError {
  override name = 'LoginSettingsError';
}

/** An object names a ServiceAccount to log in as, which the feature gate does not let it. */
export class FeatureGateError extends CloudLoginError {
  override name = 'FeatureGateError';

  constructor() {
    super(
      'to log in to a cloud as a service account needs the feature gate ObjectLevelWorkloadIdentity: set --feature-gates=ObjectLevelWorkloadIdentity=true',
    );
  }
}
