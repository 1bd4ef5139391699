import { createHmac, generateKeyPairSync } from 'node:crypto';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { azureEventHubCase } from './cases/azure-event-hub.ts';
import { githubCase } from './cases/github.ts';
import { googlePubSubCase } from './cases/google-pubsub.ts';
import { type Bed, type ProviderCase, startBed } from './contract.ts';

let bed: Bed;

beforeAll(async () => {
  bed = await startBed([azureEventHubCase.host ?? '', googlePubSubCase.host ?? '']);
});

afterAll(() => bed.close());

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

async function authorizationOf(given: ProviderCase, secret: Record<string, string>) {
  await bed.deliver(given, {
    secret,
    answers: {
      'POST /api/v3/app/installations/2/access_tokens': { body: '{"token":"ghs"}' },
    },
  });
  return String(bed.requests()[0]?.headers['authorization']);
}

test('an Event Hub gets the signature of its address and an end', async () => {
  const authorization = await authorizationOf(azureEventHubCase, {});
  const [, query = ''] = /^SharedAccessSignature (.*)$/.exec(authorization) ?? [];
  const { sr, sig, se, skn } = Object.fromEntries(new URLSearchParams(query));
  expect(sr).toBe('https://shop.servicebus.windows.net/hub');
  expect(skn).toBe('send');
  expect(Number(se) * 1000).toBeGreaterThan(Date.now());
  const signed = `${encodeURIComponent(sr ?? '')}\n${se}`;
  expect(sig).toBe(createHmac('sha256', 'a2V5LWNhbmFyeQ==').update(signed).digest('base64'));
});

test('Pub/Sub gets a token that its service account has signed', async () => {
  const email = 'flux@my-project.iam.gserviceaccount.com';
  const token = JSON.stringify({
    client_email: email,
    private_key_id: 'k1',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  });
  const jwt = (await authorizationOf(googlePubSubCase, { token })).replace(/^Bearer /, '');
  const { payload } = await jwtVerify(jwt, publicKey, {
    audience: 'https://pubsub.googleapis.com/',
    issuer: email,
    subject: email,
  });
  expect(payload.exp).toBeGreaterThan(Date.now() / 1000);
  expect(decodeProtectedHeader(jwt)).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'k1' });
});

test('GitHub gets a token that the App has signed', async () => {
  const authorization = await authorizationOf(githubCase, {
    token: '',
    githubAppID: '17',
    githubAppInstallationID: '2',
    githubAppPrivateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
  });
  const jwt = authorization.replace(/^Bearer /, '');
  const { payload } = await jwtVerify(jwt, publicKey, { issuer: '17' });
  // GitHub takes ten minutes at most.
  expect(Number(payload.exp) - Number(payload.iat)).toBeLessThanOrEqual(600);
});
