const label = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const kind = /^[A-Za-z](?:[-A-Za-z0-9]*[A-Za-z0-9])?$/;

/**
 * Whether a text can be the name of an object of a custom resource, or of a group of kinds.
 *
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names
 */
export function isObjectName(text: string): boolean {
  return text.length <= 253 && text.split('.').every((part) => label.test(part));
}

/** Whether a text can be the name of a namespace. */
export function isNamespaceName(text: string): boolean {
  return text.length <= 63 && label.test(text);
}

/** Whether a text can be a kind: the API server takes one whose small letters are a DNS label. */
export function isKindName(text: string): boolean {
  return text.length <= 63 && kind.test(text);
}

/** Whether a text is a version, or a group and a version, such as `v1` or `source.toolkit.fluxcd.io/v1`. */
export function isApiVersion(text: string): boolean {
  const parts = text.split('/', 3);
  const version = parts.pop() ?? '';
  return isNamespaceName(version) && (parts.length === 0 || isObjectName(parts.join('/')));
}
