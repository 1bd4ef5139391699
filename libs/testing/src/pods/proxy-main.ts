// Runs in the network namespace of a test node and is its kube-proxy: it takes connections to the addresses of Services
// and hands them to Pods, and carries connections between this namespace and the test over socket files. It is told over
// the socket named by the only argument: `PUT` brings the table of forwards as JSON; `GET /?host=…&port=…` answers 200
// when something accepts connections there, else 503.
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { json } from 'node:stream/consumers';
import { type Forward, Forwards } from './forward.ts';

const connectTimeoutMs = 1000;
const forwards = new Forwards();

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: connectTimeoutMs });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}

const control = createServer(async (request, response) => {
  try {
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const host = searchParams.get('host');
    if (request.method === 'PUT') await forwards.set((await json(request)) as Forward[]);
    else if (host && !(await accepts(host, Number(searchParams.get('port'))))) {
      response.statusCode = 503;
    }
    response.end();
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
});
control.listen(process.argv[2]);
