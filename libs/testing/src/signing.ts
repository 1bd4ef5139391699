import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from './guard.ts';
import type { Sigstore } from './sigstore.ts';
import { missingTool, toolPath } from './tool-path.ts';

const run = promisify(execFile);

/** How cosign stores a signature: as it does now, or as it did before version 3. */
export type CosignFormat = 'bundle' | 'simple';

/** The cosign program, with keys of its own. */
export interface Cosign {
  /** Makes a key pair; returns the public key in PEM. */
  generateKey(name: string): Promise<string>;
  /** Signs `<host>/<repository>@<digest>` with a key, without a log. */
  sign(reference: string, key: string, format: CosignFormat): Promise<void>;
  /**
   * Signs `<host>/<repository>@<digest>` without a key: the services vouch for who signs. The program itself checks what
   * they answer against their trust root.
   */
  signAs(
    who: { subject: string; issuer: string },
    reference: string,
    services: Pick<Sigstore, 'url' | 'trustedRoot'>,
    format: CosignFormat,
  ): Promise<void>;
  stop(): Promise<void>;
}

/** Why tests with signatures of cosign are left out; undefined when they are not. */
export function cosignIsMissing(): string | undefined {
  return missingTool('cosign', 'SLUICE_COSIGN');
}

const password = 'test';

/** Prepares a folder for cosign. */
export async function startCosign(): Promise<Cosign> {
  const folder = await temporaryFolder('cosign');
  const cosign = (args: string[]) =>
    run(toolPath('cosign'), args, {
      cwd: folder.path,
      env: { HOME: folder.path, PATH: '/usr/bin:/bin', COSIGN_PASSWORD: password },
    });
  const common = (format: CosignFormat) => [
    '--yes',
    '--use-signing-config=false',
    `--new-bundle-format=${format === 'bundle'}`,
    '--allow-http-registry',
  ];
  return {
    async generateKey(name) {
      await cosign(['generate-key-pair', `--output-key-prefix=${name}`]);
      return readFile(join(folder.path, `${name}.pub`), 'utf8');
    },
    async sign(reference, key, format) {
      const flags = [...common(format), '--tlog-upload=false', `--key=${key}.key`];
      await cosign(['sign', ...flags, reference]);
    },
    async signAs(who, reference, { url, trustedRoot }, format) {
      const rootFile = join(folder.path, 'trusted_root.json');
      await writeFile(rootFile, trustedRoot);
      const services = [`--fulcio-url=${url}`, `--rekor-url=${url}`, `--trusted-root=${rootFile}`];
      const flags = [...common(format), ...services, `--identity-token=${tokenOf(who)}`];
      await cosign(['sign', ...flags, reference]);
    },
    stop: () => folder.remove(),
  };
}

/** A token as an identity provider makes it; the test's services believe it. */
export function tokenOf({ subject, issuer }: { subject: string; issuer: string }): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const seconds = Math.floor(Date.now() / 1000);
  const claims = {
    iss: issuer,
    sub: subject,
    email: subject,
    email_verified: true,
    aud: 'sigstore',
    iat: seconds,
    exp: seconds + 3600,
  };
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.${Buffer.from('x').toString('base64url')}`;
}

/** Form of notation's signatures. */
export type NotationFormat = 'jws' | 'cose';

/** The notation program, with keys of its own. */
export interface Notation {
  /** Makes a key and a certificate that it signs itself; returns the certificate in PEM. */
  generateCertificate(name: string): Promise<string>;
  /** Uses a certificate that was made elsewhere. */
  addKey(name: string, pair: { cert: string; key: string }): Promise<void>;
  /** Signs `<host>/<repository>@<digest>`; `args` are more flags. */
  sign(reference: string, key: string, format: NotationFormat, ...args: string[]): Promise<void>;
  stop(): Promise<void>;
}

/** Prepares a folder for notation. */
export async function startNotation(): Promise<Notation> {
  const folder = await temporaryFolder('notation');
  const config = join(folder.path, 'notation');
  const notation = (args: string[]) =>
    run(toolPath('notation'), args, {
      cwd: folder.path,
      env: { HOME: folder.path, PATH: '/usr/bin:/bin', XDG_CONFIG_HOME: folder.path },
    });
  const keys: { name: string; keyPath: string; certPath: string }[] = [];
  const writeKeys = () =>
    writeFile(join(config, 'signingkeys.json'), JSON.stringify({ keys }), { mode: 0o600 });
  return {
    async generateCertificate(name) {
      await notation(['cert', 'generate-test', name]);
      const path = (ending: string) => join(config, 'localkeys', `${name}.${ending}`);
      keys.push({ name, keyPath: path('key'), certPath: path('crt') });
      return readFile(path('crt'), 'utf8');
    },
    async addKey(name, { cert, key }) {
      await mkdir(join(config, 'own'), { recursive: true });
      const path = (ending: string) => join(config, 'own', `${name}.${ending}`);
      await writeFile(path('crt'), cert);
      await writeFile(path('key'), key, { mode: 0o600 });
      keys.push({ name, keyPath: path('key'), certPath: path('crt') });
      await writeKeys();
    },
    async sign(reference, key, format, ...args) {
      const flags = [`--signature-format=${format}`, `--key=${key}`, '--insecure-registry'];
      await notation(['sign', ...flags, ...args, reference]);
    },
    stop: () => folder.remove(),
  };
}
