import { BudgetError, RetryableError } from '@sluice/shared/base';
import type { ClientCertificate } from '@sluice/shared/cloud';
import { openPkcs12 } from '../adapters/pkcs12/open-pkcs12.ts';
import { Pkcs12Error } from '../adapters/pkcs12/pkcs12-file.ts';
import { authenticationFailedReason } from '../source/names.ts';
import type { SecretData } from '../source/secrets.ts';

/**
 * Takes the certificate of an application from a Secret: PEM, or PKCS#12.
 *
 * @param o.share for whom, such as a namespace
 * @throws RetryableError `AuthenticationFailed` when it is PKCS#12 that cannot be opened
 */
export async function certificateFrom(
  { id, values, encoded }: SecretData,
  o: { share: string; signal: AbortSignal },
): Promise<ClientCertificate> {
  const { clientCertificate: text = '', clientCertificatePassword: password = '' } = values;
  const where = `clientCertificate in secret '${id}'`;
  const sendChain = /^(?:1|true)$/i.test(values['clientCertificateSendChain'] ?? '');
  if (text.includes('-----BEGIN ')) {
    return { pem: text, sendChain, where, ...(password && { password }) };
  }
  const content = encoded['clientCertificate'] ?? '';
  try {
    const pem = await openPkcs12({ content, password }, o);
    return { pem, sendChain, where };
  } catch (error) {
    if (error instanceof Pkcs12Error) throw refused(`${where} ${error.message}`, error);
    if (!(error instanceof BudgetError)) throw error;
    throw refused(`${where} cannot be opened: ${error.message}`, error);
  }
}

function refused(message: string, cause: Error): RetryableError {
  return new RetryableError(authenticationFailedReason, message, { cause });
}
