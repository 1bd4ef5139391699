import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';

const namespace = 'undici-parts';
const directory = dirname(fileURLToPath(import.meta.resolve('undici')));

/** What services and clients use of undici, by the file of the package that has it. */
const parts: Record<string, string> = {
  Agent: 'dispatcher/agent',
  Client: 'dispatcher/client',
  EnvHttpProxyAgent: 'dispatcher/env-http-proxy-agent',
  Pool: 'dispatcher/pool',
  ProxyAgent: 'dispatcher/proxy-agent',
  buildConnector: 'core/connect',
};

/**
 * Bundles the parts of undici that we use in place of its entry, which loads all that it has: fetch, web sockets,
 * caches, mocks. What is imported and not listed here fails the build.
 */
export const undiciParts: Plugin = {
  name: namespace,
  setup(build) {
    // As in Node's own copy: without a second parser of HTTP/1, which is on trial.
    build.initialOptions.define = { ...build.initialOptions.define, esbuildDetection: '1' };
    build.onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace }));
    build.onLoad({ filter: /.*/, namespace }, () => ({ contents: entry(), resolveDir: directory }));
  },
};

/** As undici's own entry makes them; of the ways to send a request, there is one alone. */
function entry(): string {
  const from = (file: string) => JSON.stringify(`./${join('lib', `${file}.js`)}`);
  return `
import Dispatcher from ${from('dispatcher/dispatcher')};
import sendRequest from ${from('api/api-request')};
import util from ${from('core/util')};
import global from ${from('global')};
${Object.entries(parts)
  .map(([name, file]) => `export { default as ${name} } from ${from(file)};`)
  .join('\n')}
Dispatcher.prototype.request = sendRequest;
export function request(url, { dispatcher = global.getGlobalDispatcher(), ...options } = {}) {
  const { origin, pathname, search } = util.parseURL(url);
  const method = options.method || (options.body ? 'PUT' : 'GET');
  return sendRequest.call(dispatcher, { ...options, origin, path: pathname + search, method });
}
`;
}
