import { describe, expect, test } from 'vitest';
import { argsOf, find, names, namespace, type Rendered, render } from './render.ts';

const readers = ['source-controller', 'kustomize-controller', 'helm-controller', 'source-watcher'];
const withAll = 'sourceWatcher.create=true';
const hostOf = (name: string) => `${name}.${namespace}.svc.cluster.local.`;

const artifactFlags = (deployment: Rendered) =>
  argsOf(deployment).filter((arg) => /^--artifact-(authent|audience|readers|token)/.test(arg));

const tokenVolume = (deployment: Rendered) =>
  (deployment['spec'].template.spec.volumes as { name: string; projected?: object }[]).find(
    ({ name }) => name === 'artifacts-token',
  );

/** The roles by which tokens are reviewed, without that for senders of events. */
const reviewers = (objects: readonly Rendered[]) =>
  objects
    .filter(({ kind, metadata }) => /Role$/.test(kind) && metadata.name.startsWith('source'))
    .filter(({ rules }) =>
      (rules as { resources?: string[] }[]).some(({ resources }) =>
        resources?.includes('tokenreviews'),
      ),
    )
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`);

const demanded = [
  '--artifact-authentication=token',
  '--artifact-audience=source-controller',
  `--artifact-readers=${readers.map((name) => `${namespace}:${name}`)}`,
];
const shown = (...more: string[]) => [
  '--artifact-token-file=/etc/sluice/artifacts/token',
  `--artifact-token-hosts=${['source-controller', 'source-watcher'].map(hostOf).concat(more)}`,
];

/** Asserts that nobody demands a token for artifacts, shows one, or may review one. */
function assertOff(objects: readonly Rendered[]): void {
  for (const name of names(objects, 'Deployment')) {
    expect(artifactFlags(find(objects, 'Deployment', name))).toEqual([]);
    expect(tokenVolume(find(objects, 'Deployment', name))).toBeUndefined();
  }
  expect(reviewers(objects)).toEqual([]);
}

describe('artifacts are served with a token only', () => {
  test('in a whole installation, to its controllers, which show theirs to its servers', async () => {
    const objects = await render('sluice', [withAll]);
    for (const name of ['source-controller', 'source-watcher']) {
      expect(artifactFlags(find(objects, 'Deployment', name))).toEqual([...shown(), ...demanded]);
    }
    for (const name of ['kustomize-controller', 'helm-controller']) {
      expect(artifactFlags(find(objects, 'Deployment', name))).toEqual(shown());
    }
    for (const name of readers) {
      const deployment = find(objects, 'Deployment', name);
      expect(tokenVolume(deployment)?.projected).toMatchObject({
        sources: [
          {
            serviceAccountToken: {
              path: 'token',
              audience: 'source-controller',
              expirationSeconds: 3600,
            },
          },
        ],
      });
      const [{ volumeMounts }] = deployment['spec'].template.spec.containers;
      expect(volumeMounts).toContainEqual({
        name: 'artifacts-token',
        mountPath: '/etc/sluice/artifacts',
        readOnly: true,
      });
    }
    expect(tokenVolume(find(objects, 'Deployment', 'notification-controller'))).toBeUndefined();
    expect(reviewers(objects).sort()).toEqual([
      `ClusterRole source-controller-${namespace}`,
      `ClusterRole source-watcher-${namespace}`,
    ]);
  });

  test('with another audience, more readers and hosts, and shards', async () => {
    const objects = await render('sluice', [
      'artifactAuthentication={"audience":"a.example.com","readers":["ops:mirror"],"hosts":["artifacts.ops:9090"]}',
      'sharding.shards=["blue"]',
    ]);
    const flags = artifactFlags(find(objects, 'Deployment', 'source-controller-blue'));
    expect(flags).toContain('--artifact-audience=a.example.com');
    expect(flags.at(-1)).toBe(`${demanded.at(-1)},ops:mirror`);
    const hosts = [
      'source-controller',
      'source-controller-blue',
      'source-watcher',
      'source-watcher-blue',
    ].map(hostOf);
    expect(flags).toContain(`--artifact-token-hosts=${hosts},artifacts.ops:9090`);
    const volume = tokenVolume(find(objects, 'Deployment', 'kustomize-controller-blue'));
    expect(JSON.stringify(volume)).toContain('"audience":"a.example.com"');
  });

  test.each([
    ['one of them may be one of Flux', ['kustomizeController.create=false']],
    ['others are let in', ['policies.artifactsFrom=[{"namespaceSelector":{}}]']],
    ['one namespace is watched, since that takes a ClusterRole', ['watchAllNamespaces=false']],
  ])('not while %s, unless told', async (_, settings) => {
    assertOff(await render('sluice', settings));
    const told = await render('sluice', [...settings, 'artifactAuthentication.mode=always']);
    expect(reviewers(told)).toEqual([`ClusterRole source-controller-${namespace}`]);
  });

  test('not when it is switched off', async () => {
    assertOff(await render('sluice', [withAll, 'artifactAuthentication.mode=never']));
  });

  test.each(readers)('by the chart of %s alone only when told', async (name) => {
    const chart = name as 'source-controller';
    assertOff(await render(chart));
    const told = await render(chart, ['artifactAuthentication.mode=always']);
    expect(artifactFlags(find(told, 'Deployment', name))).toEqual(expect.arrayContaining(shown()));
  });

  test.each([
    'artifactAuthentication.mode=sometimes',
    'artifactAuthentication.audience=',
    'artifactAuthentication.readers=["mirror"]',
    'artifactAuthentication.hosts=["http://a"]',
  ])('and %s is refused', async (setting) => {
    await expect(render('sluice', [setting])).rejects.toThrow('artifactAuthentication');
  });
});
