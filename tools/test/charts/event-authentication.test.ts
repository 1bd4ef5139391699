import { describe, expect, test } from 'vitest';
import { argsOf, find, helm, names, namespace, packages, type Rendered, render } from './render.ts';

const senders = ['source-controller', 'kustomize-controller', 'helm-controller'];
const eventsAddr = 'eventsAddr=http://notification-controller.flux-system.svc.cluster.local.';

const eventFlags = (deployment: Rendered) =>
  argsOf(deployment).filter((arg) => /^--(event-|events-token)/.test(arg));

/** The rules of the roles of notification-controller that are about tokens. */
const tokenRules = (objects: readonly Rendered[]) =>
  objects
    .filter(({ kind, metadata }) => /Role$/.test(kind) && metadata.name.startsWith('notif'))
    .flatMap(({ kind, metadata, rules }) =>
      (rules as { resources?: string[]; verbs: string[] }[])
        .filter(({ resources }) => resources?.includes('tokenreviews'))
        .map(({ verbs }) => `${kind} ${metadata.name}: ${verbs}`),
    );

const tokenVolume = (deployment: Rendered) =>
  (deployment['spec'].template.spec.volumes as { name: string; projected?: object }[]).find(
    ({ name }) => name === 'events-token',
  );

const demanded = [
  '--event-authentication=token',
  '--event-audience=notification-controller',
  `--event-senders=${[...senders, 'source-watcher'].map((name) => `${namespace}:${name}`)}`,
];
const mayReview = [`ClusterRole notification-controller-${namespace}: create`];

/** Asserts that no controller shows a token, demands one, or may review one. */
function assertOff(objects: readonly Rendered[]): void {
  for (const name of names(objects, 'Deployment')) {
    expect(eventFlags(find(objects, 'Deployment', name))).toEqual([]);
    expect(tokenVolume(find(objects, 'Deployment', name))).toBeUndefined();
  }
  expect(tokenRules(objects)).toEqual([]);
}

describe('events over HTTP are authenticated', () => {
  test('in a whole installation, with a token for notification-controller', async () => {
    const objects = await render('sluice', ['nats.enabled=false']);
    expect(eventFlags(find(objects, 'Deployment', 'notification-controller'))).toEqual(demanded);
    expect(tokenRules(objects)).toEqual(mayReview);
    for (const name of senders) {
      const deployment = find(objects, 'Deployment', name);
      expect(eventFlags(deployment)).toEqual(['--events-token-file=/etc/sluice/events/token']);
      expect(tokenVolume(deployment)?.projected).toMatchObject({
        sources: [
          {
            serviceAccountToken: {
              path: 'token',
              audience: 'notification-controller',
              expirationSeconds: 3600,
            },
          },
        ],
      });
      const [{ volumeMounts }] = deployment['spec'].template.spec.containers;
      expect(volumeMounts).toContainEqual({
        name: 'events-token',
        mountPath: '/etc/sluice/events',
        readOnly: true,
      });
    }
  });

  test('where events go by NATS, too, and then nobody is given a token', async () => {
    const objects = await render('sluice');
    expect(eventFlags(find(objects, 'Deployment', 'notification-controller'))).toEqual(demanded);
    expect(tokenRules(objects)).toEqual(mayReview);
    for (const name of senders) {
      expect(eventFlags(find(objects, 'Deployment', name))).toEqual([]);
      expect(tokenVolume(find(objects, 'Deployment', name))).toBeUndefined();
    }
  });

  test('with another audience and more senders', async () => {
    const objects = await render('sluice', [
      'nats.enabled=false',
      'eventAuthentication={"audience":"events.example.com","senders":["ops:reporter"]}',
      'sharding.shards=["blue"]',
    ]);
    const flags = eventFlags(find(objects, 'Deployment', 'notification-controller'));
    expect(flags).toContain('--event-audience=events.example.com');
    expect(flags.at(-1)).toBe(`${demanded.at(-1)},ops:reporter`);
    const volume = tokenVolume(find(objects, 'Deployment', 'kustomize-controller-blue'));
    expect(JSON.stringify(volume)).toContain('"audience":"events.example.com"');
  });

  test('where one namespace is watched only when told, since that takes a ClusterRole', async () => {
    assertOff(await render('sluice', ['nats.enabled=false', 'watchAllNamespaces=false']));
    const always = ['watchAllNamespaces=false', 'eventAuthentication.mode=always'];
    expect(tokenRules(await render('sluice', always))).toEqual(mayReview);
  });

  test.each(senders.map((name) => [name.replace(/-c/, 'C')]))(
    'not while %s may be one of Flux, unless told',
    async (key) => {
      const settings = ['nats.enabled=false', `${key}.create=false`];
      assertOff(await render('sluice', settings));
      const told = await render('sluice', [...settings, 'eventAuthentication.mode=always']);
      expect(tokenRules(told)).toEqual(mayReview);
    },
  );

  test('not by a notification-controller of Flux', async () => {
    assertOff(
      await render('sluice', ['nats.enabled=false', 'notificationController.create=false']),
    );
  });

  test('not when it is switched off', async () => {
    assertOff(await render('sluice', ['nats.enabled=false', 'eventAuthentication.mode=never']));
  });

  test.each([...senders, 'notification-controller'] as const)(
    'by the chart of %s alone only when told',
    async (name) => {
      const chart = name as 'source-controller';
      assertOff(await render(chart, [eventsAddr]));
      const told = await render(chart, [eventsAddr, 'eventAuthentication.mode=always']);
      expect(eventFlags(find(told, 'Deployment', name))).not.toEqual([]);
      expect(tokenRules(told)).toEqual(name === 'notification-controller' ? mayReview : []);
    },
  );

  test.each([
    'eventAuthentication.mode=sometimes',
    'eventAuthentication.audience=',
    'eventAuthentication.senders=["reporter"]',
    'notificationController.flags={"event-authentication":"none"}',
  ])('and %s is refused', async (setting) => {
    const { sluice } = await packages();
    const [name, value] = setting.split(/=(.*)/s);
    const json = /^[[{]/.test(value ?? '') ? value : JSON.stringify(value);
    await expect(helm(['template', 'x', sluice, '--set-json', `${name}=${json}`])).rejects.toThrow(
      /eventAuthentication|event-authentication/,
    );
  });
});
