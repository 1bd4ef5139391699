import { createHash } from 'node:crypto';
import { stableId } from '../../../src/provider/stable-id.ts';
import { eventOf } from '../../objects.ts';
import { alert, badToken, type ProviderCase, rateLimit } from '../contract.ts';

const path = '/v1/traces';
const revision = 'main@sha1:abc';
const attributesOf = (values: Record<string, string>) =>
  Object.entries(values).map(([key, stringValue]) => ({ key, value: { stringValue } }));
const traceOf = (of: string) =>
  createHash('sha256').update(`${alert.uid}:${of}`).digest('hex').slice(0, 32);
const object = {
  'object.uid': '7d0cdc51-ddcf-4743-b223-83ca5c699632',
  'object.kind': 'Kustomization',
  'object.name': 'web',
  'object.namespace': 'apps',
};

function bodyOf(
  change: object,
  o: { of: string; metadata: Record<string, string>; status: object },
) {
  return {
    resourceSpans: [
      {
        resource: {
          attributes: attributesOf({
            'service.name': 'apps/alert',
            'service.namespace': 'apps',
            'service.instance.id': alert.uid,
          }),
        },
        scopeSpans: [
          {
            scope: { name: 'flux:notification-controller' },
            spans: [
              {
                traceId: traceOf(o.of),
                spanId: stableId(eventOf(change), 16),
                name: 'Kustomization: apps/web',
                kind: 1,
                startTimeUnixNano: '1767323045678000000',
                endTimeUnixNano: '1767323045678000000',
                attributes: attributesOf({ ...object, ...o.metadata }),
                status: o.status,
              },
            ],
          },
        ],
      },
    ],
  };
}

const success = { metadata: { revision } };
const ociMetadata = { 'app-version': '1.2.3', 'oci-digest': 'sha256:abc', revision };
const failure = { severity: 'error', message: 'down', metadata: ociMetadata } as const;
const noUser = { headers: { authorization: undefined } };

export const otelCase: ProviderCase = {
  type: 'otel',
  spec: (url) => ({ address: `${url}${path}` }),
  event: success,
  deliveries: [
    {
      name: 'a span',
      sent: [
        {
          path,
          ...noUser,
          body: bodyOf(success, { of: revision, metadata: { revision }, status: { code: 1 } }),
        },
      ],
    },
    {
      name: 'an error in the trace of its artifact, with a token',
      secret: { token: 'canary' },
      event: failure,
      sent: [
        {
          path,
          headers: { authorization: 'Bearer canary' },
          body: bodyOf(failure, {
            of: '1.2.3@sha256:abc',
            metadata: ociMetadata,
            status: { code: 2, message: 'down' },
          }),
        },
      ],
    },
    {
      name: 'with user and password',
      secret: { username: 'u', password: 'p' },
      sent: [
        {
          path,
          headers: { authorization: 'Basic dTpw' },
          body: bodyOf(success, { of: revision, metadata: { revision }, status: { code: 1 } }),
        },
      ],
    },
    {
      name: 'with the headers of the Secret before all',
      secret: { token: 'canary', headers: 'Authorization: own\nX-Scope-OrgID: shop\n' },
      sent: [
        {
          path,
          headers: { authorization: 'own', 'x-scope-orgid': 'shop' },
          body: bodyOf(success, { of: revision, metadata: { revision }, status: { code: 1 } }),
        },
      ],
    },
    {
      name: 'nothing about a HelmRepository',
      event: { involvedObject: { kind: 'HelmRepository', namespace: 'apps', name: 'charts' } },
      sent: [],
    },
  ],
  failures: [
    { ...badToken },
    rateLimit,
    { name: 'a collector that has no room', reply: { status: 503 }, permanent: false },
    { name: 'a span that is refused', reply: { status: 400 }, permanent: true },
  ],
};
