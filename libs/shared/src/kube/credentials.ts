import { type SpawnOptions, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { User } from '@kubernetes/client-node/dist/config_types.js';
import { ExecAuth } from '@kubernetes/client-node/dist/exec_auth.js';
import { type Clock, errorMessage, SingleFlight, systemClock } from '@sluice/shared/base';
import { type Credentials, KubeConfigError } from './cluster-config.ts';

/** The kubelet renews tokens long before they expire; Go clients read them anew this often, too. */
const tokenFileLifeMs = 60_000;

/** To ask for an issued token costs a look at its account; the tokens hold longer than this. */
const issuedLifeMs = 30_000;

/** A credential plugin that answers later is killed. */
const execTimeoutMs = 60_000;

/** Credentials that never change. */
export function fixedCredentials(headers: Record<string, string>): Credentials {
  return { headers: () => Promise.resolve(headers), refresh: () => false };
}

/** A bearer token in a file that something else keeps fresh. */
export function tokenFileCredentials(path: string, clock: Clock = systemClock): Credentials {
  let headers: Record<string, string> | undefined;
  let readAt = 0;
  const read = async () => {
    const token = (await readFile(path, 'utf8')).trim();
    if (token === '') throw new KubeConfigError(`the token file ${path} is empty`);
    headers = { authorization: `Bearer ${token}` };
    readAt = clock.now();
    return headers;
  };
  return {
    headers: () =>
      headers !== undefined && clock.now() - readAt < tokenFileLifeMs
        ? Promise.resolve(headers)
        : read(),
    refresh() {
      headers = undefined;
      return true;
    },
  };
}

/**
 * Bearer tokens that are issued for a time, by what also keeps them.
 *
 * @param issue gives one that still holds for a while, and not the one that was refused
 */
export function issuedCredentials(
  issue: (refused?: string) => Promise<string>,
  clock: Clock = systemClock,
): Credentials {
  let current: { token: string; readAt: number } | undefined;
  let refused: string | undefined;
  return {
    async headers() {
      if (current === undefined || clock.now() - current.readAt >= issuedLifeMs) {
        current = { token: await issue(refused), readAt: clock.now() };
      }
      return { authorization: `Bearer ${current.token}` };
    },
    refresh() {
      refused = current?.token ?? refused;
      current = undefined;
      return true;
    },
  };
}

/** What a credential plugin returned: a token, a client certificate, or both. */
interface ExecResult {
  headers: Record<string, string>;
  cert?: string;
  key?: string;
}

/** Credentials from a credential plugin, run again when they expire. */
export interface ExecCredentials extends Credentials {
  certificate(): Promise<{ cert?: string; key?: string }>;
}

/** Runs the plugin named in `user.exec`; one run serves all requests that wait for it. */
export function execCredentials(user: User): ExecCredentials {
  let auth = createExecAuth();
  const flight = new SingleFlight<ExecResult>();
  const run = () =>
    flight.run('', async () => {
      const result: ExecResult = { headers: {} };
      try {
        await auth.applyAuthentication(user, result);
      } catch (error) {
        throw new KubeConfigError(describeExecFailure(user, error));
      }
      return {
        ...result,
        headers: Object.fromEntries(
          Object.entries(result.headers).map(([name, value]) => [name.toLowerCase(), value]),
        ),
      };
    });
  return {
    headers: async () => (await run()).headers,
    certificate: async () => {
      const { cert, key } = await run();
      return { cert, key };
    },
    refresh() {
      auth = createExecAuth();
      return true;
    },
  };
}

function createExecAuth(): ExecAuth {
  const auth = new ExecAuth();
  // The library spawns without a time limit; this is the seam it uses in its own tests.
  Object.assign(auth, {
    execFn: (file: string, args: string[] | undefined, options: SpawnOptions) =>
      spawn(file, args ?? [], { ...options, timeout: execTimeoutMs, killSignal: 'SIGKILL' }),
  });
  return auth;
}

/** A parser's message quotes the plugin's output, which holds the token, so it is left out. */
function describeExecFailure(user: User, error: unknown): string {
  const command = String(user.exec?.command ?? 'command missing');
  if (error instanceof SyntaxError) {
    return `users[].user.exec: ${command} printed no ExecCredential in JSON`;
  }
  return `users[].user.exec: ${command} failed: ${errorMessage(error).trim().slice(0, 300)}`;
}
