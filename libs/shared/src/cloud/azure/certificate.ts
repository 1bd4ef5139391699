import { createHash, createPrivateKey, randomUUID, X509Certificate } from 'node:crypto';
import { CloudLoginError } from '../cloud-error.ts';
import type { CloudDoor } from '../exchange.ts';
import { signClaims } from '../jwt.ts';
import { type AzureClient, tokenUrl } from './token.ts';

const pemBlock = /-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----/g;
const claimSeconds = 600;

/** A certificate with its key, in PEM. */
export interface ClientCertificate {
  pem: string;
  /** Opens the key. */
  password?: string;
  sendChain?: boolean;
  /** Names what holds it, for the message. */
  where: string;
}

/**
 * Signs the claim to be an application with its certificate.
 *
 * @throws CloudLoginError when it has no RSA key, or one that does not open
 * @see https://learn.microsoft.com/entra/identity-platform/certificate-credentials
 */
export async function certificateAssertion(
  client: AzureClient,
  { pem, password, sendChain, where }: ClientCertificate,
  { clock }: CloudDoor,
): Promise<string> {
  const blocks = [...pem.matchAll(pemBlock)].map(([text, type = '']) => ({ text, type }));
  const key = blocks.find(({ type }) => type.endsWith('PRIVATE KEY'));
  const chain = blocks.filter(({ type }) => type === 'CERTIFICATE');
  const opened = opening(() => {
    const own = createPrivateKey({
      key: key?.text ?? '',
      ...(password && { passphrase: password }),
    });
    const certificates = chain.map(({ text }) => new X509Certificate(text));
    // That of the key comes first, wherever it stands; there has to be one.
    const ofKey = certificates.filter((one) => one.checkPrivateKey(own)).slice(0, 1);
    const others = certificates.filter((one) => !ofKey.includes(one));
    return {
      key: own.export({ type: 'pkcs8', format: 'pem' }),
      certificates: ofKey.length === 0 ? [] : [...ofKey, ...others].map(({ raw }) => raw),
    };
  });
  const [first] = opened?.certificates ?? [];
  if (opened === undefined || first === undefined) {
    throw new CloudLoginError(
      `${where} must hold an RSA key and its certificate in PEM, and the password of the key if it has one: correct it`,
    );
  }
  const header = {
    typ: 'JWT',
    x5t: createHash('sha1').update(first).digest('base64url'),
    ...(sendChain && { x5c: opened.certificates.map((raw) => raw.toString('base64')) }),
  };
  const claims = {
    issuer: client.client,
    subject: client.client,
    audience: tokenUrl(client),
    lifeSeconds: claimSeconds,
    more: { jti: randomUUID(), nbf: Math.floor(clock.now() / 1000) },
  };
  return signClaims(claims, { pem: String(opened.key), where, header }, clock);
}

function opening<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch {
    return undefined;
  }
}
