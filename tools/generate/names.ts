/** Turns the CamelCase name of a kind into a file name: OCIRepository becomes oci-repository. */
export function fileNameOf(kind: string): string {
  return kind
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1-$2')
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase();
}
