import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GitRepository, gitEnvironment } from '@sluice/testing';

/** Makes keys with gpg and ssh-keygen, and signs with git. */
export interface Signers {
  /** Makes an OpenPGP key; in the past when it expires. */
  openPgp(name: string, expires?: string): Signer;
  ssh(name: string, ...args: string[]): Signer;
  /** The armored public keys, or the line of the public key. */
  publicKey(signer: Signer): string;
  /** Commits files to main, signed; returns the commit. */
  commit(repo: GitRepository, files: Record<string, string>, signer: Signer): Promise<string>;
  /** Tags main, signed. */
  tag(repo: GitRepository, name: string, signer: Signer): void;
  stop(): void;
}

export interface Signer {
  form: 'openpgp' | 'ssh';
  id: string;
  /** What signs in place of gpg. */
  program?: string;
}

const pastTime = '20240101T000000';

/** Prepares a folder of keys. */
export function startSigners(): Signers {
  const dir = mkdtempSync(join(tmpdir(), 'signers-'));
  const home = join(dir, 'gnupg');
  mkdirSync(home, { mode: 0o700 });
  const env = { ...gitEnvironment(), HOME: dir, GNUPGHOME: home };
  // A key that has expired signed before.
  const past = join(dir, 'gpg-of-the-past');
  writeFileSync(past, `#!/bin/sh\nexec gpg --faked-system-time ${pastTime} "$@"\n`, {
    mode: 0o700,
  });
  const gpg = (...args: string[]) =>
    execFileSync('gpg', ['--batch', '--pinentry-mode', 'loopback', '--passphrase', '', ...args], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const git = (repo: GitRepository, { form, id, program = 'gpg' }: Signer, args: string[]) => {
    const config = [`gpg.format=${form}`, `user.signingkey=${id}`, `gpg.program=${program}`];
    const flags = config.flatMap((one) => ['-c', one]);
    return execFileSync('git', ['-C', repo.dir, ...flags, ...args], { env, encoding: 'utf8' });
  };
  return {
    openPgp(name, expires = 'never') {
      const user = `${name} <${name}@example.com>`;
      const isPast = expires !== 'never';
      const at = isPast ? ['--faked-system-time', pastTime] : [];
      gpg(...at, '--quick-generate-key', user, 'ed25519', 'sign', expires);
      const listed = gpg('--with-colons', '--list-keys', user);
      const id =
        listed
          .split('\n')
          .find((line) => line.startsWith('fpr:'))
          ?.split(':')[9] ?? '';
      return { form: 'openpgp', id, ...(isPast && { program: past }) };
    },
    ssh(name, ...args) {
      const path = join(dir, name);
      execFileSync('ssh-keygen', ['-q', '-N', '', '-f', path, ...args]);
      return { form: 'ssh', id: path };
    },
    publicKey: ({ form, id }) =>
      form === 'ssh' ? readFileSync(`${id}.pub`, 'utf8') : gpg('--armor', '--export', id),
    async commit(repo, files, signer) {
      const plain = await repo.commit({ files });
      const tree = await repo.resolve(`${plain}^{tree}`);
      const commit = git(repo, signer, ['commit-tree', '-S', '-m', 'Signed', tree]).trim();
      await repo.setRef('refs/heads/main', commit);
      return commit;
    },
    tag(repo, name, signer) {
      git(repo, signer, ['tag', '--sign', '-m', 'Signed', name, 'main']);
    },
    stop() {
      try {
        execFileSync('gpgconf', ['--kill', 'all'], { env, stdio: 'ignore' });
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    },
  };
}
