import { parseYamlStream } from '@sluice/shared/base';
import { UnusableProviderError } from './delivery-error.ts';

const where = "the key 'headers' of the Secret of spec.secretRef";

/**
 * Reads the key `headers` of a Secret: a map in YAML.
 *
 * @throws UnusableProviderError when it is none
 */
export function headersIn(yaml: string | undefined): Record<string, string> {
  if (yaml === undefined) return {};
  let parsed: unknown;
  try {
    [parsed] = parseYamlStream(yaml, 'headers', { wordsAsText: true });
  } catch (cause) {
    // The parser's message quotes the text, which is secret.
    throw new UnusableProviderError(`${where} is no YAML: write 'Name: value' lines`, { cause });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new UnusableProviderError(`${where} is no map: write 'Name: value' lines`);
  }
  return Object.fromEntries(
    Object.entries(parsed).map(([name, value]) => {
      if (typeof value === 'object' || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
        throw new UnusableProviderError(
          `${where} has an unusable entry: write 'Name: value' lines`,
        );
      }
      return [name, String(value)];
    }),
  );
}
