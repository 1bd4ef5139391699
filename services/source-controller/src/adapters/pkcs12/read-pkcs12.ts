import { errorMessage } from '@sluice/shared/base';
import forge from 'node-forge';
import { Pkcs12Error, type Pkcs12File } from './pkcs12-file.ts';

declare module 'node-forge' {
  /** Not among the types. */
  const options: { usePureJavaScript: boolean };
}

const maxFileLength = 256 * 1024;
const isNone = 'holds neither PEM nor PKCS#12 that can be read';
const { asn1, pkcs12, pki, util } = forge;

/**
 * Reads a file in the form of PKCS#12: its RSA key and its certificates. It takes as long as the file asks for: call it
 * where that can be ended.
 *
 * @returns the key and the certificates in PEM, the password gone
 * @throws Pkcs12Error when it is none, is protected in a way that is not known or by another password, or has no RSA key
 * @see https://www.rfc-editor.org/rfc/rfc7292
 */
export function readPkcs12({ content, password }: Pkcs12File): string {
  // Functions of Node would not end with their thread.
  forge.options.usePureJavaScript = true;
  if ((content.length / 4) * 3 > maxFileLength) throw new Pkcs12Error('is too long');
  const bags = bagsOf(content, password);
  const key = bags.find((bag) => bag.key != null)?.key;
  if (key == null) throw new Pkcs12Error('holds no RSA key');
  const { certBag = '' } = pki.oids;
  const certificates = bags.filter(({ type }) => type === certBag).map(pemOf);
  return [pki.privateKeyToPem(key), ...certificates].join('');
}

function bagsOf(content: string, password: string): forge.pkcs12.Bag[] {
  const bytes = util.decode64(content);
  const tree = attempt(
    () => asn1.fromDer(bytes),
    () => isNone,
  );
  const read = () => pkcs12.pkcs12FromAsn1(tree, false, password);
  const { safeContents } = attempt(read, reasonOf);
  return safeContents.flatMap(({ safeBags }) => safeBags);
}

/** One whose key is not of RSA is left as it is. */
function pemOf({ cert, asn1: tree }: forge.pkcs12.Bag): string {
  const body = asn1.toDer(cert == null ? tree : pki.certificateToAsn1(cert)).getBytes();
  return forge.pem.encode({ type: 'CERTIFICATE', body });
}

function attempt<T>(read: () => T, why: (message: string) => string): T {
  try {
    return read();
  } catch (error) {
    throw new Pkcs12Error(why(errorMessage(error)), { cause: error });
  }
}

/** What forge says is made of constant words; only some of it helps. */
function reasonOf(message: string): string {
  if (/unsupported/i.test(message)) {
    return 'is protected in a way that cannot be read: write it anew with AES or 3DES, as openssl pkcs12 -export does';
  }
  if (message.includes('ASN.1 object is not an PKCS#12 PFX')) return isNone;
  return 'is damaged, or protected by another password than clientCertificatePassword holds';
}
