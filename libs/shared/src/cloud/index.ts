// Identities in clouds: tokens and logins for ServiceAccounts, and for the controllers themselves.
export { codeCommitLogin, codeCommitRegion } from './aws/code-commit.ts';
export type { AwsCredentials } from './aws/credentials.ts';
export { signAws } from './aws/sign.ts';
export { ldapLogin } from './aws/sts.ts';
export { certificateAssertion } from './azure/certificate.ts';
export { azureScopes } from './azure/scopes.ts';
export { type AzureClient, azureClientToken, managedIdentityToken } from './azure/token.ts';
export { CloudLoginError, FeatureGateError, LoginSettingsError } from './cloud-error.ts';
export { createClusterLogins } from './cluster/log-in.ts';
export { checkIdentityFlags, createIdentities } from './create-identities.ts';
export { type CloudEnvironment, cloudEnvironment } from './environment.ts';
export type { CloudDoor } from './exchange.ts';
export { gcpKeyIn, gcpKeyToken } from './gcp/key-file.ts';
export {
  type GithubApp,
  githubAppAuthor,
  githubAppIn,
  githubAppKey,
  githubAppToken,
} from './github-app.ts';
export { type CloudCaller, CloudIdentities, refuseExposed, withLogin } from './identities.ts';
export { createLocalDispatcher } from './local-dispatcher.ts';
export type { CloudName, RegistryCredentials } from './registry.ts';
export { type Issued, TokenCache, type TokenUser } from './token-cache.ts';
export { childOf, parseXml, textOf, XmlError, type XmlNode } from './xml.ts';
