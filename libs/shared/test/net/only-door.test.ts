import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../../..');

/** Who may open connections, and why the guard need not, or does, stand before them. */
const doors: Record<string, string> = {
  'libs/shared/src/net/connector.ts': 'is the guard',
  'libs/shared/src/net/dispatcher.ts': 'is the guard',
  'libs/shared/src/net/tunnel.ts': 'connects to proxies through the guard',
  'libs/shared/src/kube/connector.ts': 'takes the guard for kubeconfigs; else the server is ours',
  'libs/shared/src/kube/transport.ts': 'connects through kube/connector.ts',
  'libs/shared/src/artifact/download.ts':
    'takes a guarded dispatcher, or an address of the administrator',
  'libs/shared/src/artifact/forward.ts':
    'asks the replica whose address is on the Lease of the controller’s own namespace',
  'libs/shared/src/bus/event-sinks.ts': '--events-addr is the administrator’s',
  'services/source-controller/src/adapters/http.ts': 'requires a dispatcher',
  'services/source-controller/src/adapters/ssh/connect.ts': 'takes a socket of the guard',
  'services/notification-controller/src/provider/nats-publish.ts':
    'speaks over a connection of provider/connect.ts, which takes the guard',
  'services/notification-controller/src/provider/send.ts': 'requires a dispatcher',
};

/** Ways to open a connection; types, and servers, are none. */
const ways = [
  /import (?!type)\{[^}]*\b(?!type )(?:Agent|Client|Pool|request|fetch|buildConnector|\w*ProxyAgent)\b[^}]*\} from 'undici'/,
  /import\('undici'\)/,
  /(?<![.\w#])fetch\((?!\w+: )/,
  /import (?!type)\{[^}]*\b(?:request|get|connect|createConnection|Socket)\b[^}]*\} from 'node:(?:http|https|http2|net|tls)'/,
  /\bnew WebSocket\(/,
  /import (?!type)\{[^}]*\} from 'socks(?:-proxy-agent)?'/,
  /\bnew ssh2\.Client\(|import (?!type)\{[^}]*\b(?!type )Client\b[^}]*\} from 'ssh2'/,
];

function opens(text: string): boolean {
  // Own functions and methods of that name open none.
  const own = /\b(?:async )?function fetch\(|^\s+(?:async )?#?fetch\(/m.test(text);
  return ways.some((way) => way.test(text) && !(own && way === ways[2]));
}

test('connections are opened by those alone who are known to be guarded', () => {
  const files = [
    ...globSync('services/*/src/**/*.ts', { cwd: root }),
    ...globSync('libs/shared/src/!(testing)/**/*.ts', { cwd: root }),
  ].map((path) => relative(root, join(root, path)));
  expect(files.length).toBeGreaterThan(300);
  const found = files.filter((path) => opens(readFileSync(join(root, path), 'utf8')));
  expect(found.sort()).toEqual(Object.keys(doors).sort());
});

test.each([
  "import { Agent, type Dispatcher } from 'undici';",
  "import { type Dispatcher, request } from 'undici';",
  "const { request } = await import('undici');",
  'const response = await fetch(url);',
  "import { connect } from 'node:tls';",
  'const client = new ssh2.Client();',
  "import { SocksClient } from 'socks';",
  "import { createServer, request } from 'node:http';",
])('such a way is seen: %s', (line) => {
  expect(opens(line)).toBe(true);
});
