import type { Alert, FluxEvent } from '@sluice/shared/api';
import { presentEvent } from '../../../services/notification-controller/src/content/present-event.ts';
import type {
  Endpoint,
  ProviderRequest,
  ProviderType,
} from '../../../services/notification-controller/src/provider/adapter.ts';
import { adapterFor } from '../../../services/notification-controller/src/provider/adapters.ts';
import { type Generator, generatedMark } from '../generator.ts';
import { discordPicture, slackPicture, teamsPicture } from './chats.ts';

const folder = 'docs/notifications/pictures';

const event: FluxEvent = {
  involvedObject: {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    namespace: 'shop',
    name: 'web',
    uid: '7d0cdc51-ddcf-4743-b223-83ca5c699632',
  },
  severity: 'error',
  timestamp: '2026-01-02T03:04:05Z',
  message:
    'Health check failed: Deployment/shop/web: container web of 2 Pods is in CrashLoopBackOff (exit code 1)',
  reason: 'HealthCheckFailed',
  metadata: {
    revision: 'main@sha1:69b59063470310ebbd88a9156325322a124e55a3',
    cluster: 'production',
  },
  reportingController: 'kustomize-controller',
  reportingInstance: 'kustomize-controller-0',
};
const facts = {
  commitAuthor: 'Ada Lovelace',
  commitSubject: 'Use the new engine',
  sourceURL: 'https://github.com/example/shop',
};
const alert: Alert = {
  apiVersion: 'notification.toolkit.fluxcd.io/v1beta3',
  kind: 'Alert',
  metadata: { namespace: 'shop', name: 'chat' },
  spec: { providerRef: { name: 'chat' }, eventSources: [{ kind: 'Kustomization', name: '*' }] },
};

/** What a Provider of a type sends, in JSON. */
async function payloadOf<Payload>(type: ProviderType): Promise<Payload> {
  const sent: ProviderRequest[] = [];
  const endpoint: Endpoint = {
    type,
    address: 'https://hooks.example.com/x',
    channel: 'deployments',
    username: '',
    password: '',
    token: '',
    headers: {},
    secret: {},
    uid: '',
    timeoutMs: 0,
  };
  const { shown, facts: apart } = await presentEvent({ event, facts }, { alert, type });
  const send = async (request: ProviderRequest) => {
    sent.push(request);
    return { status: 200, body: '' };
  };
  await adapterFor(type)(shown, endpoint, send, {
    alert: { namespace: 'shop', name: 'chat', uid: '' },
    facts: apart,
    commitStatusId: '',
    connect: () => Promise.reject(new Error('it does not speak HTTP')),
    identity: { azure: noLogin, gcp: noLogin, github: noApp },
  });
  return JSON.parse(String(sent[0]?.body)) as Payload;
}

const noLogin = () => Promise.reject(new Error('it needs no login to a cloud'));
const noApp = () => {
  throw new Error('it needs no GitHub App');
};

/** Draws what arrives in chats, from what is sent there. */
export const generatePictures: Generator = async () =>
  new Map([
    [`${folder}/slack.svg`, slackPicture(await payloadOf('slack'), generatedMark)],
    [`${folder}/discord.svg`, discordPicture(await payloadOf('discord'), generatedMark)],
    [`${folder}/teams.svg`, teamsPicture(await payloadOf('msteams'), generatedMark)],
  ]);
