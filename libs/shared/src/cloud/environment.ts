/** Variables of the environment that say as whom the controller itself logs in to clouds; the SDKs know the same. */
const names = [
  'AWS_ACCESS_KEY_ID',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_EC2_METADATA_DISABLED',
  'AWS_EC2_METADATA_SERVICE_ENDPOINT',
  'AWS_REGION',
  'AWS_ROLE_ARN',
  'AWS_ROLE_SESSION_NAME',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AZURE_AUTHORITY_HOST',
  'AZURE_CLIENT_CERTIFICATE_PATH',
  'AZURE_CLIENT_ID',
  'AZURE_CLIENT_SECRET',
  'AZURE_FEDERATED_TOKEN_FILE',
  'AZURE_POD_IDENTITY_AUTHORITY_HOST',
  'AZURE_TENANT_ID',
  'GCE_METADATA_HOST',
  'GOOGLE_APPLICATION_CREDENTIALS',
] as const;

export type CloudVariable = (typeof names)[number];

/** The variables that are set, and not empty. */
export type CloudEnvironment = Partial<Record<CloudVariable, string>>;

/** Takes what concerns clouds from the environment. */
export function cloudEnvironment(env: Record<string, string | undefined>): CloudEnvironment {
  return Object.fromEntries(names.map((name) => [name, env[name]]).filter(([, value]) => value));
}
