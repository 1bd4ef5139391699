import { execFileSync } from 'node:child_process';

/** Why there is no OpenPGP made by gpg here; @throws the same in CI. */
export function whyNoGpg(): string | undefined {
  try {
    execFileSync('gpg', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    const reason = 'needs gpg: install gnupg';
    if (process.env['SLUICE_GPG'] === 'required') throw new Error(`a test of OpenPGP ${reason}`);
    return reason;
  }
}
