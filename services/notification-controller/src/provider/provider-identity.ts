import type { GithubApp } from '@sluice/shared/cloud';

/** Logs in to clouds: as the ServiceAccount of a Provider, else as the controller; and as a GitHub App. */
export interface ProviderIdentity {
  /** @throws DeliveryError when Azure gives no token */
  azure(scope: string): Promise<string>;
  /** @throws DeliveryError when Google gives no token */
  gcp(): Promise<string>;
  /** @param where names the Secret of the App, for messages */
  github(app: GithubApp, where: string): GithubLogin;
}

/** The login of a GitHub App. */
export interface GithubLogin {
  /**
   * A token for the installation, for as long as it can be used.
   *
   * @throws DeliveryError when GitHub gives none; UnusableProviderError when the App's settings are wrong
   */
  token(): Promise<string>;
  /** Forgets a token that did not work: it may have been withdrawn. */
  forget(): void;
  /**
   * Under which name GitHub shows what the App has written.
   *
   * @throws as `token`
   */
  author(): Promise<string>;
}
