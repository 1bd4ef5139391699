import { type GitRepository, type GitServer, startGitServer, whyNoGpg } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Signer, type Signers, startSigners } from '../signature/signers.ts';
import { conditionOf, filesOf, type SourceBed, startSourceBed } from '../source-bed.ts';

const reason = whyNoGpg();
if (reason !== undefined)
  console.warn(`The tests of signatures are left out: this machine ${reason}`);

const main = { branch: 'main' };

describe.skipIf(reason !== undefined)('spec.verify of a GitRepository', () => {
  let bed: SourceBed;
  let server: GitServer;
  let signers: Signers;
  let ann: Signer;
  let eve: Signer;

  beforeAll(async () => {
    signers = startSigners();
    ann = signers.openPgp('ann');
    eve = signers.openPgp('eve');
    [bed, server] = await Promise.all([startSourceBed(), startGitServer()]);
    await bed.createSecret('ann', { 'ann.asc': signers.publicKey(ann) });
  });
  afterAll(async () => {
    await Promise.all([bed?.stop(), server?.stop()]);
    signers?.stop();
  });

  const spec = (
    name: string,
    mode: 'HEAD' | 'head' | 'Tag' | 'TagAndHEAD' = 'HEAD',
    keys = 'ann',
  ) => ({
    url: server.url(name),
    ref: mode === 'HEAD' || mode === 'head' ? main : { tag: 'v1' },
    verify: { mode, secretRef: { name: keys } },
  });
  const messageOf = async (object: Parameters<SourceBed['failed']>[0], reason: string) => {
    const failed = await bed.failed(object, reason);
    expect(failed.status?.artifact).toBeUndefined();
    expect(conditionOf(failed, 'FetchFailed')).toBeUndefined();
    const verified = conditionOf(failed, 'SourceVerified');
    expect(verified).toMatchObject({ status: 'False', reason });
    return verified?.message ?? '';
  };

  it('takes commits that a trusted OpenPGP key has signed, and no other', async () => {
    const repo = await server.createRepo('followed');
    const commit = await signers.commit(repo, { a: '1' }, ann);
    const object = await bed.createGit('followed', spec('followed'));
    const ready = await bed.ready(object);
    expect(conditionOf(ready, 'SourceVerified')).toMatchObject({
      status: 'True',
      reason: 'Succeeded',
      message: `verified signature of commit '${commit}' with key '${ann.id.slice(-16)}'`,
    });
    expect(ready.status?.sourceVerificationMode).toBe('HEAD');
    const again = await bed.request(object);
    expect(conditionOf(again, 'SourceVerified')).toEqual(conditionOf(ready, 'SourceVerified'));

    await signers.commit(repo, { a: '2' }, eve);
    const refused = await bed.request(object);
    expect(conditionOf(refused, 'Ready')?.reason).toBe('InvalidCommitSignature');
    expect(refused.status?.artifact).toEqual(ready.status?.artifact);

    await repo.setRef('refs/heads/main', commit);
    const back = await bed.ready(object);
    expect(conditionOf(back, 'SourceVerified')?.status).toBe('True');

    await bed.patchSpec(object, { verify: null });
    const plain = await bed.until(object, (o) => o.status?.sourceVerificationMode === undefined);
    expect(conditionOf(plain, 'SourceVerified')).toBeUndefined();
  });

  it.each([
    { name: 'ed25519', args: ['-t', 'ed25519'] },
    { name: 'ecdsa', args: ['-t', 'ecdsa', '-b', '384'] },
    { name: 'rsa', args: ['-t', 'rsa', '-b', '2048'] },
  ])('takes commits that a trusted SSH key has signed: $name', async ({ name, args }) => {
    const signer = signers.ssh(`ssh-${name}`, ...args);
    const other = signers.ssh(`ssh-other-${name}`, ...args);
    await bed.createSecret(`ssh-${name}`, {
      'people.sshpub': `# people\n${signers.publicKey(other)}\n${signers.publicKey(signer)}`,
    });
    const repo = await server.createRepo(`ssh-${name}`);
    await signers.commit(repo, { a: '1' }, signer);
    const object = await bed.createGit(`ssh-${name}`, spec(`ssh-${name}`, 'head', `ssh-${name}`));
    const ready = await bed.ready(object);
    expect(conditionOf(ready, 'SourceVerified')?.message).toMatch(/with key 'SHA256:\S+'$/);
    expect(await filesOf(ready.status?.artifact)).toEqual({ a: '1' });
  });

  it.each(['Tag', 'TagAndHEAD'] as const)('takes what a signed tag leads to: %s', async (mode) => {
    const name = `tag-${mode.toLowerCase()}`;
    const repo = await server.createRepo(name);
    await signers.commit(repo, { a: '1' }, ann);
    signers.tag(repo, 'v1', ann);
    const ready = await bed.ready(await bed.createGit(name, spec(name, mode)));
    const message = conditionOf(ready, 'SourceVerified')?.message ?? '';
    expect(message).toMatch(/^verified signature of tag 'v1@[0-9a-f]{40}' with key/);
    expect(message.includes('commit')).toBe(mode === 'TagAndHEAD');
    expect(ready.status?.sourceVerificationMode).toBe(mode);
  });

  it.each<{ name: string; make: (repo: GitRepository) => Promise<unknown>; message: RegExp }>([
    {
      name: 'without a signature',
      make: (repo) => repo.commit({ files: { a: '1' } }),
      message: /commit '[0-9a-f]{40}' failed: it is not signed$/,
    },
    {
      name: 'of a stranger',
      make: (repo) => signers.commit(repo, { a: '1' }, eve),
      message: /failed: none is trusted: key [0-9A-F]{16}: Could not find signing key/,
    },
    {
      name: 'of a key that has expired',
      make: async (repo) => {
        const old = signers.openPgp('old', '5d');
        await bed.createSecret('keys-2', { 'old.asc': signers.publicKey(old) });
        await signers.commit(repo, { a: '1' }, old);
      },
      message: /it has expired/,
    },
    {
      name: 'that was changed afterwards',
      make: async (repo) => {
        const commit = await signers.commit(repo, { a: '1' }, ann);
        const text = await repo.git(['cat-file', 'commit', commit]);
        const changed = text.replace('\nSigned', '\nForged');
        const write = ['hash-object', '-t', 'commit', '-w', '--stdin'];
        await repo.setRef('refs/heads/main', (await repo.git(write, changed)).trim());
      },
      message: /Signed digest did not match/,
    },
    {
      name: 'of a kind that nobody is trusted for',
      make: (repo) => signers.commit(repo, { a: '1' }, signers.ssh('nobody')),
      message: /its signature is of SSH, of which there is no trusted key/,
    },
  ])('refuses a commit $name', async ({ make, message, ...of }) => {
    const name = `refused-${of.name.replaceAll(' ', '-')}`;
    await make(await server.createRepo(name));
    const keys = of.name.includes('expired') ? 'keys-2' : 'ann';
    const object = await bed.createGit(name, spec(name, 'HEAD', keys));
    expect(await messageOf(object, 'InvalidCommitSignature')).toMatch(message);
  });

  it.each<{ name: string; make: (repo: GitRepository) => Promise<unknown>; message: RegExp }>([
    {
      name: 'no object',
      make: (repo) => repo.git(['tag', 'v1', 'main']),
      message: /tag 'v1@[0-9a-f]{40}' failed: it is no annotated tag$/,
    },
    {
      name: 'not signed',
      make: (repo) => repo.git(['tag', '-a', '-m', 'text', 'v1', 'main']),
      message: /failed: it is not signed$/,
    },
    {
      name: 'that of another version',
      make: async (repo) => {
        signers.tag(repo, 'v0', ann);
        await repo.setRef('refs/tags/v1', (await repo.git(['rev-parse', 'refs/tags/v0'])).trim());
      },
      message: /failed: it was made as tag 'v0'$/,
    },
  ])('refuses a tag that is $name', async ({ make, message, ...of }) => {
    const name = `tag-${of.name.replaceAll(' ', '-')}`;
    const repo = await server.createRepo(name);
    await signers.commit(repo, { a: '1' }, ann);
    await make(repo);
    const object = await bed.createGit(name, spec(name, 'TagAndHEAD'));
    expect(await messageOf(object, 'InvalidTagSignature')).toMatch(message);
  });

  it('stalls when a tag has to be signed and there is none', async () => {
    await server.createRepo('no-tag', { a: '1' });
    const object = await bed.createGit('no-tag', { ...spec('no-tag', 'Tag'), ref: main });
    expect(await messageOf(object, 'InvalidVerificationMode')).toContain('needs spec.ref.tag');
  });

  it('says what is wrong with the keys', async () => {
    const repo = await server.createRepo('keys');
    await signers.commit(repo, { a: '1' }, ann);
    const missing = await bed.createGit('keys-missing', spec('keys', 'HEAD', 'none'));
    expect(await messageOf(missing, 'VerificationError')).toContain('it does not exist');
    await bed.createSecret('bad', { 'bad.asc': 'canary-7a20' });
    const bad = await bed.createGit('keys-bad', spec('keys', 'HEAD', 'bad'));
    const message = await messageOf(bad, 'VerificationError');
    expect(message).toMatch(/^secret 'bad': bad\.asc holds no armored public keys/);
    expect(message).not.toContain('canary');
  });
});
