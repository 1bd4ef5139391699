/** Keywords by which a JSON Schema refers to another one. */
const keywords = ['$ref', '$dynamicRef', '$recursiveRef'];
/** Schemas that every validator brings along. */
const wellKnown = /^https?:\/\/json-schema\.org\//;

function withoutFragment(reference: string): string {
  const at = reference.indexOf('#');
  return at < 0 ? reference : reference.slice(0, at);
}

/**
 * Returns the first reference of a JSON Schema that leads out of it; undefined when it stands alone, or is no JSON.
 *
 * Helm reads what such references name: files of its machine, and addresses that its network reaches.
 */
export function outsideReference(text: string): string | undefined {
  let schema: unknown;
  try {
    schema = JSON.parse(text);
  } catch {
    // Helm says what is wrong with it.
    return undefined;
  }
  const ids = new Set<string>(['']);
  const references: string[] = [];
  const open: unknown[] = [schema];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, inner] of Object.entries(value)) {
      if (keywords.includes(key) && typeof inner === 'string') references.push(inner);
      else if (key === '$id' && typeof inner === 'string') ids.add(withoutFragment(inner));
      else open.push(inner);
    }
  }
  return references.find((reference) => {
    const target = withoutFragment(reference);
    return !ids.has(target) && !wellKnown.test(target);
  });
}
