/** A file in the form of PKCS#12, and the password that protects it. */
export interface Pkcs12File {
  /** In base64. */
  content: string;
  password: string;
}

/** A file that cannot be used; the message continues a sentence about it, and holds nothing of what is in it. */
export class Pkcs12Error extends Error {
  override name = 'Pkcs12Error';
}
