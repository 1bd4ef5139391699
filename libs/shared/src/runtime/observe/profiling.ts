import type { ServerResponse } from 'node:http';
import { Session } from 'node:inspector/promises';
import { pipeline } from 'node:stream/promises';
import { getHeapSnapshot } from 'node:v8';
import { errorMessage, type Logger, systemClock } from '@sluice/shared/base';
import { type RunningServer, startHttpServer } from './http-server.ts';

/** Bounds of `?seconds=`, and what is taken when it is not given. */
const seconds = { min: 1, max: 60, default: 30 };

const index = `/debug/pprof/profile?seconds=30  CPU profile (.cpuprofile)
/debug/pprof/allocs?seconds=30   memory that is allocated meanwhile, sampled (.heapprofile)
/debug/pprof/heap                heap snapshot (.heapsnapshot); the process stands still while it is taken

One at a time. Open the files in the developer tools of a browser.
`;

/** Writes a profile; `stop` aborts when the client goes away. */
type Profile = (response: ServerResponse, o: { ms: number; stop: AbortSignal }) => Promise<void>;

const profiles: Record<string, { file: string; write: Profile }> = {
  profile: { file: 'profile.cpuprofile', write: writeCpuProfile },
  allocs: { file: 'allocs.heapprofile', write: writeAllocations },
  heap: { file: 'heap.heapsnapshot', write: (response) => pipeline(getHeapSnapshot(), response) },
};

/**
 * Serves profiles of this process below `/debug/pprof/`, one at a time: 409 while another one is taken, 400 for a time
 * that is out of bounds. There is no authentication, and a heap snapshot holds the process's secrets.
 *
 * @param options `address` in Go's form; `0` or empty for no server
 */
export function startProfiling(options: {
  address: string;
  logger: Logger;
}): Promise<RunningServer | undefined> {
  const { address, logger } = options;
  let isBusy = false;
  return startHttpServer(address, (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const name = /^\/debug\/pprof\/(\w*)$/.exec(url.pathname)?.[1];
    if (request.method !== 'GET') return answer(response, 405, 'only GET is allowed\n');
    if (name === '') return answer(response, 200, index);
    const profile = Object.hasOwn(profiles, name ?? '') ? profiles[name as string] : undefined;
    if (name === undefined || profile === undefined) return answer(response, 404, index);
    const ms = timeOf(url);
    if (ms === undefined) {
      const { min, max } = seconds;
      return answer(response, 400, `seconds must be a number from ${min} to ${max}\n`);
    }
    if (isBusy) return answer(response, 409, 'another profile is being taken\n');
    isBusy = true;
    logger.warn({ profile: name, ms }, 'A profile is taken');
    const left = new AbortController();
    response.once('close', () => left.abort());
    response.setHeader('content-type', 'application/octet-stream');
    response.setHeader('content-disposition', `attachment; filename="${profile.file}"`);
    void profile
      .write(response, { ms, stop: left.signal })
      .catch((error: unknown) => {
        if (left.signal.aborted) return;
        logger.error({ profile: name, error: errorMessage(error) }, 'A profile could not be taken');
        response.destroy();
      })
      .finally(() => {
        isBusy = false;
      });
  });
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
}

/** Milliseconds that are asked for; undefined when out of bounds. */
function timeOf(url: URL): number | undefined {
  const text = url.searchParams.get('seconds');
  const value = text === null ? seconds.default : Number(text);
  return value >= seconds.min && value <= seconds.max ? value * 1000 : undefined;
}

async function writeCpuProfile(
  response: ServerResponse,
  { ms, stop }: { ms: number; stop: AbortSignal },
): Promise<void> {
  await inspect(async (session) => {
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    await systemClock.sleep(ms, stop).catch(() => undefined);
    const { profile } = await session.post('Profiler.stop');
    response.end(JSON.stringify(profile));
  });
}

async function writeAllocations(
  response: ServerResponse,
  { ms, stop }: { ms: number; stop: AbortSignal },
): Promise<void> {
  await inspect(async (session) => {
    await session.post('HeapProfiler.enable');
    await session.post('HeapProfiler.startSampling');
    await systemClock.sleep(ms, stop).catch(() => undefined);
    const { profile } = await session.post('HeapProfiler.stopSampling');
    response.end(JSON.stringify(profile));
  });
}

async function inspect(fn: (session: Session) => Promise<void>): Promise<void> {
  const session = new Session();
  session.connect();
  try {
    await fn(session);
  } finally {
    session.disconnect();
  }
}
