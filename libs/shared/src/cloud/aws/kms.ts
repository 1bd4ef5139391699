import { CloudLoginError } from '../cloud-error.ts';
import { askJson, type CloudDoor, stringIn } from '../exchange.ts';
import type { CloudCaller, CloudIdentities } from '../identities.ts';
import { roleForm } from './account.ts';
import { type AwsCredentials, awsKey } from './credentials.ts';
import { signAws } from './sign.ts';
import { awsDomain, takeRole } from './sts.ts';

const arnForm = /^arn:aws[\w-]*:kms:([a-z0-9-]{1,50}):\d{1,20}:(?:key|alias)\/[\w/+=,.@-]{1,256}$/;
const session = 'sluice-sops';

/** What is to be decrypted by AWS KMS. */
export interface AwsKmsRequest {
  arn: string;
  /** Role to take on first; empty for none. */
  role: string;
  context: Readonly<Record<string, string>>;
  /** In base64. */
  ciphertext: string;
}

/**
 * Decrypts with a key of AWS KMS. The region in its name says where, so that requests go to AWS alone.
 *
 * @param given credentials of the object; it logs in with its identity without
 * @returns the plaintext in base64
 * @throws CloudLoginError
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
 */
export async function awsKmsDecrypt(
  request: AwsKmsRequest,
  given: AwsCredentials | undefined,
  {
    identities,
    caller,
    door,
  }: { identities: CloudIdentities; caller: CloudCaller; door: CloudDoor },
): Promise<string> {
  const region = arnForm.exec(request.arn)?.[1];
  if (region === undefined) {
    throw new CloudLoginError('the name of the key is no ARN of a key or alias of AWS KMS');
  }
  const own = given ?? (await identities.aws(caller, { region }));
  const credentials = await withRole(request.role, own, { region, identities, caller });
  return decrypt(request, { region, credentials }, door);
}

async function withRole(
  role: string,
  credentials: AwsCredentials,
  o: { region: string; identities: CloudIdentities; caller: CloudCaller },
): Promise<AwsCredentials> {
  if (role === '') return credentials;
  if (!roleForm.test(role)) throw new CloudLoginError('the role of the key is no ARN of a role');
  const { region, identities, caller } = o;
  const key = ['aws-role', region, role, ...awsKey(credentials)];
  return identities.issued(caller, key, (door) =>
    takeRole({ region, role, session, credentials }, door),
  );
}

async function decrypt(
  { arn, context, ciphertext }: AwsKmsRequest,
  { region, credentials }: { region: string; credentials: AwsCredentials },
  door: CloudDoor,
): Promise<string> {
  const url = new URL(`https://kms.${region}.${awsDomain(region)}/`);
  const body = JSON.stringify({
    CiphertextBlob: ciphertext,
    ...(Object.keys(context).length > 0 && { EncryptionContext: context }),
    KeyId: arn,
  });
  const unsigned = {
    method: 'POST',
    url,
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'TrentService.Decrypt',
    },
    body,
    service: 'kms',
    region,
  };
  const headers = await signAws(unsigned, credentials, door.clock.now());
  const what = 'a decryption';
  const answer = await askJson({ method: 'POST', url: url.href, headers, body, what }, door);
  return stringIn(answer, 'Plaintext', url.host);
}
