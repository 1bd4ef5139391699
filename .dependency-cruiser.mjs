// The import layers of the project. `npm run check` fails on a forbidden import or a cycle.
const room = (name) => `^libs/shared/src/${name}/`;
const shared = '^libs/shared/src/';

function mayImport(name, ...allowed) {
  return {
    name: `layers-${name}`,
    severity: 'error',
    comment: `${name} may import only ${allowed.length === 0 ? 'itself' : allowed.join(', ')} among the rooms`,
    from: { path: room(name) },
    to: { path: shared, pathNot: [name, ...allowed].map(room) },
  };
}

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    mayImport('base'),
    mayImport('api', 'base'),
    mayImport('net', 'base'),
    mayImport('kube', 'base', 'api', 'net'),
    mayImport('cloud', 'base', 'api', 'net', 'kube'),
    mayImport('engine', 'base', 'api', 'kube'),
    mayImport('runtime', 'base', 'api', 'net', 'kube', 'engine'),
    mayImport('artifact', 'base', 'api', 'net'),
    mayImport('bus', 'base', 'api'),
    mayImport('cli', 'base', 'api'),
    mayImport('service', 'base', 'api', 'net', 'kube', 'engine', 'runtime', 'bus'),
    mayImport('storage', 'base', 'api', 'net', 'kube', 'engine', 'runtime', 'artifact'),
    mayImport(
      'applier',
      'base',
      'api',
      'net',
      'kube',
      'cloud',
      'engine',
      'runtime',
      'bus',
      'service',
    ),
    {
      name: 'yaml-has-one-door',
      severity: 'error',
      comment: 'base/yaml.ts limits what a text may become',
      from: {
        path: '^(libs/shared|(clients|services)/[^/]+)/src/',
        pathNot: '^libs/shared/src/base/yaml\\.ts$',
      },
      to: { path: 'js-yaml' },
    },
    {
      name: 'shared-imports-no-testing',
      severity: 'error',
      comment: 'libs/testing never ships',
      from: { path: '^libs/shared/src/' },
      to: { path: '^libs/testing/' },
    },
    {
      name: 'shared-imports-no-service',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^(clients|services|tools|bench|test)/' },
    },
    {
      name: 'services-never-import-each-other',
      severity: 'error',
      from: { path: '^services/([^/]+)/' },
      to: { path: '^(clients|services)/', pathNot: '^services/$1/' },
    },
    {
      name: 'services-import-shared-only',
      severity: 'error',
      from: { path: '^services/[^/]+/src/' },
      to: { path: '^(tools|bench|test)/|^libs/testing/' },
    },
    {
      name: 'clients-import-shared-only',
      severity: 'error',
      from: { path: '^clients/[^/]+/src/' },
      to: { path: '^(services|tools|bench|test)/|^libs/testing/' },
    },
    {
      name: 'rooms-are-entered-by-their-index',
      severity: 'error',
      from: { pathNot: '^libs/shared/(src|test)/' },
      to: { path: '^libs/shared/src/', pathNot: '^libs/shared/src/[^/]+/index\\.ts$' },
    },
    {
      name: 'testing-is-entered-by-its-index',
      severity: 'error',
      from: { pathNot: '^libs/testing/' },
      to: { path: '^libs/testing/', pathNot: '^libs/testing/src/index\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    parser: 'swc',
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types'],
      extensions: ['.ts', '.mjs', '.js'],
    },
  },
};
