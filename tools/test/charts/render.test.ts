import { describe, expect, test } from 'vitest';
import { allSingleCharts, singleCharts, umbrellaCases, withAll } from './matrix.ts';
import { argsOf, find, identity, names, namespace, type Rendered, render } from './render.ts';

const all = [...singleCharts].sort();

/** The ports of a controller's pods, and of the Services that lead to them. */
const ports: Record<string, Record<string, number>> = {
  'source-controller': { http: 9090, 'http-prom': 8080, healthz: 9440 },
  'source-watcher': { http: 9090, 'http-prom': 8080, healthz: 9440 },
  'kustomize-controller': { 'http-prom': 8080, healthz: 9440 },
  'helm-controller': { 'http-prom': 8080, healthz: 9440 },
  'notification-controller': { http: 9090, 'http-webhook': 9292, 'http-prom': 8080, healthz: 9440 },
};

function controllerDeployments(objects: readonly Rendered[]): Rendered[] {
  return objects.filter(({ kind }) => kind === 'Deployment');
}

function componentOf({ metadata }: Rendered): string {
  return metadata.labels?.['app.kubernetes.io/component'] ?? '';
}

function assertContract(deployment: Rendered): void {
  const { name } = deployment.metadata;
  const pod = deployment['spec'].template;
  const [container] = pod.spec.containers;
  expect(pod.metadata.labels).toMatchObject({
    app: name,
    'app.kubernetes.io/part-of': 'flux',
    'app.kubernetes.io/version': 'v1.2.3',
    'app.kubernetes.io/instance': 'sluice',
  });
  expect(deployment.metadata.labels).toMatchObject({
    app: name,
    'app.kubernetes.io/part-of': 'flux',
    'app.kubernetes.io/version': 'v1.2.3',
  });
  expect(deployment['spec'].selector.matchLabels).toEqual({ app: name });
  expect(container.name).toBe('manager');
  const found = container.ports.map((p: { name: string; containerPort: number }) => [
    p.name,
    p.containerPort,
  ]);
  expect(Object.fromEntries(found)).toEqual(ports[componentOf(deployment)]);
  expect(container.securityContext).toMatchObject({
    runAsNonRoot: true,
    runAsUser: 65534,
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  });
  const mounts = container.volumeMounts.map(({ name }: { name: string }) => name);
  const volumes = pod.spec.volumes.map(({ name }: { name: string }) => name);
  expect(volumes.sort()).toEqual(mounts.sort());
  expect(mounts).toContain('tmp');
}

/** A flag that is given twice would hide a mistake; only additionalArgs may repeat one. */
function assertArguments(deployment: Rendered): void {
  const args = argsOf(deployment);
  const extra = args.indexOf('--log-level=trace');
  const own = (extra < 0 ? args : args.slice(0, extra)).map((arg) => arg.split('=')[0]);
  const repeatable = own.filter((flag) => flag !== '--override-manager');
  expect(new Set(repeatable).size).toBe(repeatable.length);
  for (const arg of args) expect(arg).toMatch(/^--[a-zA-Z][\w-]*=/);
  for (const flag of ['--watch-all-namespaces=', '--log-level='])
    expect(args.some((arg) => arg.startsWith(flag))).toBe(true);
}

/** What only the binding of the reconcilers may have. */
function assertRules(objects: readonly Rendered[]): void {
  const roles = objects.filter(({ kind }) => /^(Cluster)?Role$/.test(kind));
  const wide = roles.flatMap((role) =>
    (role['rules'] as Record<string, string[]>[]).flatMap((rule) =>
      Object.values(rule)
        .flat()
        .filter((word) => word.includes('*'))
        .map(() => identity(role)),
    ),
  );
  expect(wide).toEqual([]);
}

function assertPolicies(objects: readonly Rendered[]): void {
  const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy');
  for (const policy of policies) {
    const { podSelector, policyTypes, ingress } = policy['spec'];
    const name = podSelector.matchLabels['app.kubernetes.io/component'];
    expect(policyTypes).toEqual(['Ingress', 'Egress']);
    if (name === 'sluice-nats') continue;
    const open = (ingress as { ports: { port: string }[]; from: unknown[] }[]).map((rule) => {
      expect(rule.from.length).toBeGreaterThan(0);
      return rule.ports.map(({ port }) => port).join();
    });
    // The port of the probes stays closed: the kubelet is always let in.
    const expected = Object.keys(ports[name] ?? {}).filter((port) => port !== 'healthz');
    expect(open.sort()).toEqual(expected.sort());
  }
  const pods = objects.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet');
  const covered = new Set(
    policies.map((p) => p['spec'].podSelector.matchLabels['app.kubernetes.io/component']),
  );
  if (policies.length > 0) for (const pod of pods) expect(covered).toContain(componentOf(pod));
}

describe.each(Object.entries(umbrellaCases))('the umbrella, %s', (_, settings) => {
  test('renders objects that keep the contracts, each once', async () => {
    const objects = await render('sluice', settings);
    const ids = objects.map(identity);
    expect(new Set(ids).size).toBe(ids.length);
    for (const deployment of controllerDeployments(objects)) {
      assertContract(deployment);
      assertArguments(deployment);
    }
    assertRules(objects);
    assertPolicies(objects);
    const natsObjects = objects.filter(({ metadata }) => metadata.name.startsWith('sluice-nats'));
    for (const { metadata } of natsObjects)
      expect(metadata.labels).not.toHaveProperty('app.kubernetes.io/part-of');
  });
});

describe('the charts of single controllers', () => {
  test('render beside each other without an object in common', async () => {
    const rendered = await Promise.all(allSingleCharts.map((chart) => render(chart)));
    const ids = rendered.flat().map(identity);
    expect(new Set(ids).size).toBe(ids.length);
    for (const objects of rendered) {
      controllerDeployments(objects).forEach(assertContract);
      assertRules(objects);
      assertPolicies(objects);
    }
  });

  test('render what the umbrella renders of them, but for its connections', async () => {
    const settings = ['nats.enabled=false', 'rbac.createAggregation=false', withAll];
    const umbrella = await render('sluice', settings);
    for (const chart of allSingleCharts) {
      const events = `eventsAddr=http://notification-controller.${namespace}.svc.cluster.local.`;
      const own = await render(chart, [
        'rbac.createAggregation=false',
        events,
        'eventAuthentication.mode=always',
        'artifactAuthentication.mode=always',
      ]);
      const within = umbrella.filter((object) => componentOf(object) === chart);
      const byId = (objects: Rendered[]) =>
        Object.fromEntries(objects.map((o) => [identity(o), o]));
      const { [identity(find(own, 'Deployment', chart))]: deployment, ...others } = byId(own);
      expect(byId(within)).toMatchObject(others);
      expect(within).toHaveLength(own.length);
      expect(deployment?.['spec'].strategy).toEqual(
        find(within, 'Deployment', chart)['spec'].strategy,
      );
    }
  });

  test('have the definitions of their kinds, kept on uninstall', async () => {
    const objects = await render('sluice', ['crds.annotations={"team":"platform"}']);
    const definitions = objects.filter(({ kind }) => kind === 'CustomResourceDefinition');
    expect(definitions).toHaveLength(15);
    for (const { metadata } of definitions) {
      expect(metadata.annotations).toEqual({ 'helm.sh/resource-policy': 'keep', team: 'platform' });
      expect(metadata.labels).toMatchObject({
        'app.kubernetes.io/part-of': 'flux',
        'app.kubernetes.io/version': 'v1.2.3',
        'app.kubernetes.io/instance': 'sluice',
      });
    }
    expect(
      names(await render('sluice', ['installCRDs=false']), 'CustomResourceDefinition'),
    ).toEqual([]);
  });
});

describe('values', () => {
  test('of a controller win over those at the top, also when they are false', async () => {
    const settings = [
      'logLevel=debug',
      'sourceController.logLevel=error',
      'helmController.watchAllNamespaces=false',
    ];
    const objects = await render('sluice', settings);
    expect(argsOf(find(objects, 'Deployment', 'source-controller'))).toContain('--log-level=error');
    expect(argsOf(find(objects, 'Deployment', 'kustomize-controller'))).toContain(
      '--log-level=debug',
    );
    const helmArgs = argsOf(find(objects, 'Deployment', 'helm-controller'));
    expect(helmArgs).toContain('--watch-all-namespaces=false');
    expect(names(objects, 'Role')).toContain('helm-controller');
  });

  test('for artifacts in NATS reach who stores them, and who makes the bucket', async () => {
    const objects = await render('sluice', umbrellaCases['artifacts in NATS']);
    const about = (name: string) =>
      argsOf(find(objects, 'Deployment', name)).filter((arg) =>
        /^--(storage-backend|nats-artifacts)/.test(arg),
      );
    expect(about('source-controller')).toEqual(['--storage-backend=nats']);
    expect(about('source-watcher')).toEqual(['--storage-backend=nats']);
    expect(about('notification-controller')).toEqual(['--nats-artifacts-max-size=4294967296']);
    expect(about('kustomize-controller')).toEqual([]);
  });

  test('for pinned artifacts reach who names them and who keeps them, with the rights to look', async () => {
    const objects = await render('sluice', umbrellaCases['artifacts pinned']);
    const about = (name: string) =>
      argsOf(find(objects, 'Deployment', name)).filter((arg) => /^--(keep-)?pin/.test(arg));
    expect(about('source-controller')).toEqual(['--keep-pinned-artifacts=true']);
    expect(about('source-watcher')).toEqual(['--keep-pinned-artifacts=true']);
    expect(about('kustomize-controller')).toEqual(['--pin-artifacts=true']);
    expect(about('helm-controller')).toEqual(['--pin-artifacts=true']);
    expect(about('notification-controller')).toEqual([]);
    for (const name of ['source-controller', 'source-watcher']) {
      const args = argsOf(find(objects, 'Deployment', name));
      expect(args).toContain('--no-cross-namespace-refs=true');
      const role = JSON.stringify(
        objects.filter((o) => o.kind === 'ClusterRole' && o.metadata.name.startsWith(name)),
      );
      expect(role).toContain('"kustomizations"');
      expect(role).toContain('"helmreleases"');
    }
  });

  test('for flags become arguments, lists one by one', async () => {
    const objects = await render('sluice', umbrellaCases['everything about pods']);
    const args = argsOf(find(objects, 'Deployment', 'kustomize-controller'));
    const wanted = [
      '--concurrent=1000',
      '--min-retry-delay=5s',
      '--override-manager=a',
      '--override-manager=b',
      '--insecure-kubeconfig-exec=true',
    ];
    expect(args).toEqual(expect.arrayContaining(wanted));
    expect(args.at(-1)).toBe('--log-level=trace');
  });

  test.each([
    ['sluice', 'logLevl=info', 'logLevl'],
    ['sluice', 'sourceController.replicaz=2', 'replicaz'],
    ['sluice', 'sourceController.flags={"concurent":2}', 'concurent'],
    ['sluice', 'kustomizeController.flags={"concurrent":"many"}', 'concurrent'],
    ['sluice', 'nats.replicas=2', 'nats/replicas'],
    ['sluice', 'nats.external.url=nats://user:secret@nats:4222', 'nats/external/url'],
    ['sluice', 'imageAutomationController={"create":true}', 'imageAutomationController/create'],
    ['source-controller', 'flags={"kubeconfig":"x"}', 'kubeconfig'],
    ['helm-controller', 'storage={"persistence":{}}', 'storage'],
  ] as const)(
    'of %s that are misspelt or wrong are refused by name: %s',
    async (chart, setting, named) => {
      await expect(render(chart, [setting])).rejects.toThrow(named);
    },
  );

  test.each([
    [
      ['kustomizeController.replicas=2', 'kustomizeController.leaderElection=never'],
      'leaderElection',
    ],
    [
      ['sourceController.replicas=2', 'sourceController.storage.persistence.enabled=true'],
      'storage.persistence',
    ],
    [['nats.external.url=nats://nats:4222', 'nats.external.keys.creds=x'], 'existingSecret'],
    [['nats.external.url=nats://nats:4222', 'nats.external.user=x'], 'nats.keys.password'],
    [['sharding.shards=["a","a"]'], 'shard twice'],
  ])('that cannot work together are refused with the fix: %s', async (settings, named) => {
    await expect(render('sluice', settings)).rejects.toThrow(named);
  });
});

test('passwords of NATS that exist are used, and none are made', async () => {
  const objects = await render('sluice', umbrellaCases['NATS with passwords of our own']);
  expect(names(objects, 'Secret')).toEqual([]);
  const secrets = objects.flatMap((object) =>
    [...JSON.stringify(object).matchAll(/"secret(?:Name|KeyRef)":(?:{"name":)?"([^"]+)"/g)].map(
      ([, name]) => name,
    ),
  );
  expect(new Set(secrets)).toEqual(new Set(['passwords']));
});

const without = (names: string[], some: string[]) => names.filter((name) => !some.includes(name));

describe('permissions', () => {
  const bound = (objects: Rendered[], controller: string) =>
    objects
      .filter(({ kind, subjects }) => /Binding$/.test(kind) && subjects?.[0].name === controller)
      .map(({ kind, roleRef }) => `${kind} ${roleRef.name}`)
      .sort();

  test('to change everything are those of kustomize- and helm-controller alone', async () => {
    const objects = await render('sluice');
    const admins = objects.filter(({ roleRef }) => roleRef?.name === 'cluster-admin');
    expect(admins.map(({ subjects }) => subjects[0].name).sort()).toEqual([
      'helm-controller',
      'kustomize-controller',
    ]);
  });

  test('are to impersonate, and to look, when tenants are locked down', async () => {
    const objects = await render('sluice', ['multitenancy.enabled=true']);
    expect(bound(objects, 'kustomize-controller')).toEqual([
      `ClusterRoleBinding kustomize-controller-${namespace}`,
      `ClusterRoleBinding kustomize-controller-impersonator-${namespace}`,
      'ClusterRoleBinding view',
    ]);
    const args = argsOf(find(objects, 'Deployment', 'kustomize-controller'));
    expect(args).toEqual(
      expect.arrayContaining([
        '--no-cross-namespace-refs=true',
        '--no-remote-bases=true',
        '--default-service-account=default',
      ]),
    );
    expect(argsOf(find(objects, 'Deployment', 'helm-controller'))).toContain(
      '--no-remote-schemas=true',
    );
    for (const name of ['source-controller', 'helm-controller', 'notification-controller']) {
      expect(argsOf(find(objects, 'Deployment', name))).toContain('--deny-addresses=private');
    }
    const allowed = await render('sluice', [
      'multitenancy.enabled=true',
      'multitenancy.allowAddresses=["10.1.0.0/16","fd00:1::/64"]',
    ]);
    const source = argsOf(find(allowed, 'Deployment', 'source-controller'));
    expect(source).toContain('--allow-addresses=10.1.0.0/16,fd00:1::/64');
    const none = await render('sluice', ['multitenancy.enabled=true', 'multitenancy.watchRole=']);
    expect(none.some(({ roleRef }) => roleRef?.name === 'view')).toBe(false);
  });

  test('end at the namespace when only that is watched', async () => {
    const objects = await render('sluice', [
      'watchAllNamespaces=false',
      'rbac.createAggregation=false',
    ]);
    const clusterWide = objects.filter(({ kind }) => kind === 'ClusterRoleBinding');
    // Definitions of kinds have no namespace.
    expect(clusterWide.map(({ metadata }) => metadata.name)).toEqual([
      `helm-controller-${namespace}`,
      `kustomize-controller-${namespace}`,
    ]);
    expect(bound(objects, 'kustomize-controller')).toContain('RoleBinding cluster-admin');
    const locked = await render('sluice', [
      'watchAllNamespaces=false',
      'multitenancy.enabled=true',
    ]);
    for (const name of ['kustomize-controller', 'helm-controller']) {
      // To watch as the accounts of the namespace, nothing else is needed.
      expect(bound(locked, name)).toContain(`RoleBinding ${name}-impersonator`);
      expect(bound(locked, name)).toContain('RoleBinding view');
    }
  });

  test('of view and edit cover what tenants see and write, and status is nobody’s to write', async () => {
    const objects = await render('sluice');
    const resources = (name: string) =>
      (find(objects, 'ClusterRole', name)['rules'] as { resources: string[] }[]).flatMap(
        (rule) => rule.resources,
      );
    const definitions = objects.filter(({ kind }) => kind === 'CustomResourceDefinition');
    const plurals = definitions.map(({ spec }) => spec.names.plural).sort();
    // Who approves is for administrators to say, and Snapshots hold what was applied with others' rights.
    const writable = without(plurals, ['approvals', 'plans', 'snapshots']);
    expect(resources('flux-edit').sort()).toEqual(writable);
    const visible = without(plurals, ['snapshots']);
    expect(resources('flux-view')).toEqual(expect.arrayContaining(visible));
    expect(resources('flux-view')).not.toContain('snapshots');
  });
});

describe('replicas', () => {
  test('elect a leader, and share no volume', async () => {
    const objects = await render('sluice', umbrellaCases['highly available']);
    for (const name of all) {
      const { spec } = find(objects, 'Deployment', name);
      const elects = argsOf(find(objects, 'Deployment', name)).includes(
        '--enable-leader-election=true',
      );
      expect(elects || spec.replicas === 1).toBe(true);
      expect(spec.strategy.type).toBe(elects ? 'RollingUpdate' : 'Recreate');
    }
    expect(names(objects, 'PodDisruptionBudget')).toEqual([
      'helm-controller',
      'kustomize-controller',
      'notification-controller',
      'sluice-nats',
      'source-controller',
    ]);
    const [spread] = find(objects, 'Deployment', 'kustomize-controller')['spec'].template.spec
      .topologySpreadConstraints;
    expect(spread.labelSelector).toEqual({ matchLabels: { app: 'kustomize-controller' } });
  });

  test('of shards have their own Deployments, Services and Leases', async () => {
    const objects = await render('sluice', umbrellaCases['shards']);
    expect(names(objects, 'Deployment').filter((name) => name.startsWith('source'))).toEqual([
      'source-controller',
      'source-controller-blue',
      'source-controller-green',
    ]);
    const blue = find(objects, 'Deployment', 'source-controller-blue');
    expect(argsOf(blue)).toContain('--watch-label-selector=sharding.fluxcd.io/key=blue');
    const address = `--storage-adv-addr=source-controller-blue.${namespace}.svc.cluster.local.`;
    expect(argsOf(blue)).toContain(address);
    expect(argsOf(find(objects, 'Deployment', 'source-controller'))).toContain(
      '--watch-label-selector=!sharding.fluxcd.io/key',
    );
    expect(find(objects, 'Service', 'source-controller-blue')['spec'].selector).toEqual({
      app: 'source-controller-blue',
    });
    const rules = find(objects, 'Role', 'kustomize-controller-leader-election')['rules'];
    expect(rules[1].resourceNames).toHaveLength(3);
    expect(
      names(objects, 'Deployment').filter((name) => name.startsWith('notification')),
    ).toHaveLength(1);
  });
});
