// The program of a container in pods.e2e.test.ts: it says what it finds around itself.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { hostname } from 'node:os';

const account = '/var/run/secrets/kubernetes.io/serviceaccount';
const places = ['/x', '/usr/x', '/etc/secret/x', '/tmp/x', '/work/x'];

/** What a container says about itself. */
export type Report = Awaited<ReturnType<typeof report>>;

function canWrite(path: string): boolean {
  try {
    writeFileSync(path, '');
    return true;
  } catch {
    return false;
  }
}

async function answer(url: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(5000) });
  return `${response.status} ${await response.text()}`;
}

async function report() {
  const { env } = process;
  const status = readFileSync('/proc/self/status', 'utf8');
  const field = (name: string) => new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(status)?.[1];
  const api = `https://${env['KUBERNETES_SERVICE_HOST']}:${env['KUBERNETES_SERVICE_PORT']}`;
  const authorization = `Bearer ${readFileSync(`${account}/token`, 'utf8')}`;
  const namespace = readFileSync(`${account}/namespace`, 'utf8');
  return {
    user: process.getuid?.(),
    group: process.getgid?.(),
    groups: process.getgroups?.(),
    capabilities: ['CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map(field),
    noNewPrivileges: field('NoNewPrivs'),
    environment: env,
    argv: process.argv.slice(2),
    hostname: hostname(),
    pid: process.pid,
    processes: readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length,
    writable: places.filter(canWrite),
    seesTestFolder: existsSync('/app/pod-report.ts'),
    secret: readFileSync('/etc/secret/password', 'utf8'),
    api: await answer(`${api}/api/v1/namespaces/${namespace}/configmaps`, { authorization }),
    self: await answer('http://echo.probe.svc.cluster.local.:81/self'),
    test: await answer(`${env['TEST_URL']}/hello`),
  };
}

createServer(async (request, response) => {
  try {
    const body = request.url === '/report' ? JSON.stringify(await report()) : request.url;
    response.end(body);
  } catch (error) {
    response.writeHead(500).end(`${error} ${(error as Error).cause ?? ''}`);
  }
}).listen(8080);
