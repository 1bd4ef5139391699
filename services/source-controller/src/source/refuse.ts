import { StalledError } from '@sluice/shared/base';
import { unsupportedReason } from './names.ts';

/**
 * Refuses ways to log in that are not there.
 *
 * @param instead what to use with the provider `generic`
 * @param whose names the other object whose field it is
 * @throws StalledError that names the provider and the fix
 */
export function refuseProvider(provider: string | undefined, instead: string, whose = ''): void {
  if (provider === undefined || provider === 'generic') return;
  throw new StalledError(
    unsupportedReason,
    `spec.provider '${provider}'${whose} is not supported yet: use generic with ${instead}`,
  );
}
