import { sha256Hex } from '@sluice/shared/base';

/** All paths of receivers begin with this. */
export const webhookPrefix = '/hook/';

/** The path at which a Receiver accepts webhooks; whoever knows it and the type's signature may call. */
export function webhookPath(token: string, name: string, namespace: string): string {
  return `${webhookPrefix}${sha256Hex(`${token}${name}${namespace}`)}`;
}
