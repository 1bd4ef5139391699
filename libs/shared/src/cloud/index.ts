// Identities in clouds: tokens and logins for ServiceAccounts, and for the controllers themselves.
export { codeCommitLogin, codeCommitRegion } from './aws/code-commit.ts';
export type { AwsCredentials } from './aws/credentials.ts';
export { type AwsKmsRequest, awsKmsDecrypt } from './aws/kms.ts';
export { signAws } from './aws/sign.ts';
export { ldapLogin } from './aws/sts.ts';
export type { ClientCertificate } from './azure/certificate.ts';
export {
  type AzureApplication,
  type AzureAsker,
  azureApplicationToken,
  azureMachineToken,
} from './azure/given.ts';
export { type KeyVaultRequest, keyVaultDecrypt, keyVaultKey } from './azure/key-vault.ts';
export { azureScopes } from './azure/scopes.ts';
export type { AzureClient } from './azure/token.ts';
export { CloudLoginError, FeatureGateError, LoginSettingsError } from './cloud-error.ts';
export { createClusterLogins } from './cluster/log-in.ts';
export { checkIdentityFlags, createIdentities } from './create-identities.ts';
export { type CloudEnvironment, cloudEnvironment } from './environment.ts';
export { askJson, type CloudDoor, stringIn } from './exchange.ts';
export { type GcpKey, gcpKeyIn, gcpKeyToken } from './gcp/key-file.ts';
export { gcpKmsDecrypt } from './gcp/kms.ts';
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
