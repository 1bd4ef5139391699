import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Bucket } from '@sluice/shared/api';
import { createCertificateAuthority, temporaryFolder } from '@sluice/testing';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { conditionOf, filesOf, type SourceBed, startSourceBed } from '../source-bed.ts';

/** A request as the storage got it. */
interface Asked {
  method: string;
  url: string;
  authorization: string;
  headers: IncomingMessage['headers'];
  body: string;
  /** Name in the certificate that the client showed. */
  client: string | undefined;
}

let bed: SourceBed;
let storage: Server;
let host: string;
/** Every request; objects of other tests may still be trying. */
const asked: Asked[] = [];
let proxy: { url: string; targets: string[]; close(): void };
/** Answers by method and path without query. */
const replies: Record<string, string> = {};
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

beforeAll(async () => {
  bed = await startSourceBed();
  const authority = await createCertificateAuthority('storage-ca');
  const [server, client] = await Promise.all([
    authority.issue({ commonName: 'storage', usage: 'server' }),
    authority.issue({ commonName: 'fetcher', usage: 'client' }),
  ]);
  storage = createServer(
    { ...server, requestCert: true, rejectUnauthorized: false, ca: authority.cert },
    serve,
  );
  storage.listen(0, '127.0.0.1');
  await once(storage, 'listening');
  host = `127.0.0.1:${(storage.address() as AddressInfo).port}`;
  proxy = await startProxy();
  await bed.createSecret('ca', { 'ca.crt': authority.cert });
  await bed.createSecret('mtls', {
    'ca.crt': authority.cert,
    'tls.crt': client.cert,
    'tls.key': client.key,
  });
  await bed.createSecret('keys', { accesskey: 'AKIA', secretkey: 'canary-5c1e' });
});

afterAll(async () => {
  const log = JSON.stringify(await bed?.process.log());
  storage?.closeAllConnections();
  storage?.close();
  proxy?.close();
  await bed?.stop();
  expect(log).not.toContain('canary-5c1e');
});

/** Requests for a bucket. */
const askedFor = (bucket: string) => asked.filter(({ url }) => url.split(/[?/]/).includes(bucket));

const serve: Parameters<typeof createServer>[1] = async (request, response) => {
  const { method = '', url = '', headers } = request;
  let body = '';
  for await (const chunk of request) body += chunk;
  const client = (request.socket as TLSSocket).getPeerCertificate().subject?.CN;
  const authorization = headers.authorization ?? '';
  asked.push({ method, url, authorization, headers, body, client: client as string | undefined });
  const reply = replies[`${method} ${url.split('?')[0]}`];
  if (reply === stalls) return;
  response.writeHead(reply === undefined ? 404 : 200, { etag: '"e1"' }).end(reply);
};

/** In place of an answer: there is none. */
const stalls = 'stalls';
const azurePage =
  '<EnumerationResults><Blobs><Blob><Name>a.yaml</Name><Properties><Etag>e1</Etag><Content-Length>5</Content-Length></Properties></Blob></Blobs><NextMarker/></EnumerationResults>';
const s3Page = (key: string) =>
  `<ListBucketResult><Contents><Key>${key}</Key><ETag>"e1"</ETag><Size>5</Size></Contents></ListBucketResult>`;

async function startProxy() {
  const targets: string[] = [];
  const server = createHttpServer();
  server.on('connect', (request, socket: Socket) => {
    targets.push(`${request.url} ${request.headers['proxy-authorization']}`);
    const { hostname, port } = new URL(`http://${request.url}`);
    const upstream = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    for (const end of [socket, upstream]) end.on('error', () => end.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    targets,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Makes a bucket that the server has, and a Bucket of the same name. */
function create(name: string, spec: Partial<Bucket['spec']>) {
  replies[`GET /${name}`] = s3Page('a.yaml');
  replies[`GET /account/${name}`] = azurePage;
  for (const path of ['', '/account']) replies[`GET ${path}/${name}/a.yaml`] = 'a: 1\n';
  return bed.createBucket(name, {
    bucketName: name,
    endpoint: host,
    certSecretRef: { name: 'ca' },
    ...spec,
  });
}

async function readyWith(name: string, spec: Partial<Bucket['spec']>) {
  const object = await bed.ready(await create(name, spec));
  expect(await filesOf(object.status?.artifact)).toEqual({ 'a.yaml': 'a: 1\n' });
  return object;
}

const s3Login = (key: string) =>
  expect.stringMatching(`^AWS4-HMAC-SHA256 Credential=${key}/\\d{8}/us-east-1/s3/aws4_request, `);

describe('a Bucket of S3', () => {
  test('is asked without a login when there is none', async () => {
    await readyWith('anonymous', {});
    const logins = askedFor('anonymous').map(({ authorization }) => authorization);
    expect(logins).toEqual(['', '']);
  });

  test('shows the certificate of its Secret, by the proxy of its Secret', async () => {
    const secret = { address: proxy.url, username: 'user', password: 'pass' };
    await bed.createSecret('proxy', secret);
    await readyWith('mutual', {
      secretRef: { name: 'keys' },
      certSecretRef: { name: 'mtls' },
      proxySecretRef: { name: 'proxy' },
    });
    const logins = askedFor('mutual').map(({ authorization, client }) => [authorization, client]);
    expect(logins).toEqual([
      [s3Login('AKIA'), 'fetcher'],
      [s3Login('AKIA'), 'fetcher'],
    ]);
    const login = `Basic ${Buffer.from('user:pass').toString('base64')}`;
    expect(new Set(proxy.targets)).toEqual(new Set([`${host} ${login}`]));
  });

  test('is not trusted without its authority', async () => {
    const object = await create('untrusted', { certSecretRef: undefined });
    const failed = await bed.failed(object, 'BucketOperationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toMatch(/certificate/);
    expect(askedFor('untrusted')).toEqual([]);
  });

  test('is given up after spec.timeout, be it that the list stalls or an object', async () => {
    for (const [name, path] of [
      ['slow-list', ''],
      ['slow-object', '/a.yaml'],
    ] as const) {
      const object = await create(name, { timeout: '1s', suspend: true });
      replies[`GET /${name}${path}`] = stalls;
      await bed.patchSpec(object, { suspend: false });
      const failed = await bed.failed(object, 'BucketOperationFailed');
      expect(conditionOf(failed, 'Ready')?.message).toContain('the limit of spec.timeout');
      expect(failed.status?.artifact).toBeUndefined();
      replies[`GET /${name}${path}`] = path === '' ? s3Page('a.yaml') : 'a: 1\n';
      await bed.ready(object);
    }
  });

  test('gets credentials for a user of LDAP, once', async () => {
    replies['POST /sts'] =
      '<AssumeRoleWithLDAPIdentityResponse><AssumeRoleWithLDAPIdentityResult><Credentials><AccessKeyId>LDAPKEY</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>session</SessionToken><Expiration>2096-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithLDAPIdentityResult></AssumeRoleWithLDAPIdentityResponse>';
    await bed.createSecret('ldap', { username: 'cn=me,dc=x', password: 'canary-5c1e &+' });
    const object = await readyWith('ldap', {
      sts: {
        provider: 'ldap',
        endpoint: `https://${host}/sts`,
        secretRef: { name: 'ldap' },
        certSecretRef: { name: 'mtls' },
      },
    });
    await bed.request(object);
    const [login, ...more] = askedFor('sts');
    expect(more).toEqual([]);
    const rest = askedFor('ldap');
    expect(rest).toHaveLength(3);
    expect(login).toMatchObject({
      method: 'POST',
      url: '/sts',
      client: 'fetcher',
      body: 'Action=AssumeRoleWithLDAPIdentity&Version=2011-06-15&LDAPUsername=cn%3Dme%2Cdc%3Dx&LDAPPassword=canary-5c1e+%26%2B',
    });
    expect(login?.headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect(rest.map((one) => [one.client, one.headers['x-amz-security-token']])).toEqual(
      rest.map(() => [undefined, 'session']),
    );
    expect(rest[0]?.authorization).toEqual(s3Login('LDAPKEY'));
  });

  test('says why it gets no credentials', async () => {
    const sts = { provider: 'ldap' as const, endpoint: `https://${host}/none` };
    const ldap = { ...sts, certSecretRef: { name: 'ca' } };
    const refused = await bed.failed(
      await create('no-ldap', { sts: ldap }),
      'AuthenticationFailed',
    );
    expect(conditionOf(refused, 'Ready')?.message).toContain('refused a login with status 404');
    await bed.createSecret('half-ldap', { username: 'me' });
    const half = { ...ldap, secretRef: { name: 'half-ldap' } };
    const failed = await bed.failed(
      await create('half-ldap', { sts: half }),
      'AuthenticationFailed',
    );
    expect(conditionOf(failed, 'Ready')?.message).toContain('must hold username and password');
  });
});

describe('a Bucket of Azure', () => {
  const azure = () => ({ provider: 'azure' as const, endpoint: `https://${host}/account` });

  test('takes the key of the account', async () => {
    await bed.createSecret('account', { accountKey: Buffer.from('k').toString('base64') });
    await readyWith('shared-key', { ...azure(), secretRef: { name: 'account' } });
    const requests = askedFor('shared-key');
    expect(requests).toHaveLength(2);
    for (const { authorization } of requests) {
      expect(authorization).toMatch(/^SharedKey account:[A-Za-z0-9+/]{43}=$/);
    }
  });

  test('takes a shared access signature', async () => {
    await bed.createSecret('sas', { sasKey: '?sv=1&sig=canary-5c1e' });
    await readyWith('sas', { ...azure(), secretRef: { name: 'sas' } });
    const requests = askedFor('sas');
    expect(requests).toHaveLength(2);
    for (const { url } of requests) expect(url).toContain('sig=canary-5c1e');
  });

  test('takes an application, whose token is asked of the authority that is named', async () => {
    await bed.createSecret('app', {
      tenantId: 'tenant',
      clientId: 'client',
      clientSecret: 'canary-5c1e',
      authorityHost: `https://${host}`,
    });
    // Tokens are asked for without the TLS material of the storage, which this authority would need.
    const object = await create('app', { ...azure(), secretRef: { name: 'app' } });
    const failed = await bed.failed(object, 'AuthenticationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toMatch(/cannot be asked for a login/);
  });

  test('takes the certificate of an application in PKCS#12, or says why not', async () => {
    const folder = await temporaryFolder('pkcs12');
    const make = (...args: string[]) => execa('openssl', args, { cwd: folder.path });
    const files = ['-keyout', 'app.key', '-out', 'app.crt'];
    await make('req', '-x509', '-nodes', '-newkey', 'rsa:2048', '-subj', '/CN=app', ...files);
    const input = ['-inkey', 'app.key', '-in', 'app.crt', '-passout', 'pass:canary-9b02'];
    const { stdout } = await execa('openssl', ['pkcs12', '-export', ...input], {
      cwd: folder.path,
      encoding: 'buffer',
    });
    await folder.remove();
    const messageWith = async (name: string, password: string) => {
      await bed.createSecret(name, {
        tenantId: 'tenant',
        clientId: 'client',
        clientCertificate: Buffer.from(stdout),
        clientCertificatePassword: password,
        authorityHost: `https://${host}`,
      });
      const object = await create(name, { ...azure(), secretRef: { name } });
      const failed = await bed.failed(object, 'AuthenticationFailed');
      return conditionOf(failed, 'Ready')?.message;
    };
    // The authority that is asked is one that would need the TLS material of the storage.
    expect(await messageWith('certificate', 'canary-9b02')).toMatch(/cannot be asked for a login/);
    const wrong = await messageWith('locked', 'canary-0000');
    expect(wrong).toMatch(/another password than clientCertificatePassword holds/);
    expect(wrong).not.toContain('canary');
  });

  test('may be one that anybody reads', async () => {
    await readyWith('public', azure());
    const logins = askedFor('public').map(({ authorization }) => authorization);
    expect(logins).toEqual(['', '']);
  });

  test('gets no token of the machine for a server that is not of Azure', async () => {
    await bed.createSecret('managed', { clientId: 'client' });
    const object = await create('managed', { ...azure(), secretRef: { name: 'managed' } });
    const failed = await bed.failed(object, 'URLInvalid');
    expect(conditionOf(failed, 'Ready')?.message).toContain('a storage account of Azure');
    expect(askedFor('managed')).toEqual([]);
  });

  test('says which keys its Secret lacks', async () => {
    await bed.createSecret('nothing', { tenantId: 'x' });
    const object = await create('nothing', { ...azure(), secretRef: { name: 'nothing' } });
    const failed = await bed.failed(object, 'AuthenticationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toContain('accountKey or sasKey alone');
  });
});

describe('a Bucket of Google', () => {
  test('gets no token of the controller for an authority that it names', async () => {
    const spec = { provider: 'gcp' as const, endpoint: 'storage.googleapis.com' };
    const failed = await bed.failed(await create('exposed', spec), 'AuthenticationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toContain(
      "the controller's identity is not used with a CA that the object names",
    );
  });

  test('takes no credentials that name files, programs or addresses', async () => {
    const account = { type: 'external_account', credential_source: { file: '/etc/passwd' } };
    await bed.createSecret('external', { serviceaccount: JSON.stringify(account) });
    const spec = { provider: 'gcp' as const, secretRef: { name: 'external' } };
    const failed = await bed.failed(await create('external', spec), 'AuthenticationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toContain('no JSON key of a service account');
    expect(asked.filter(({ url }) => url.includes('/b/external'))).toEqual([]);
  });

  test('says where its key was refused', async () => {
    const account = {
      type: 'service_account',
      client_email: 'a@b.iam.gserviceaccount.com',
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      token_uri: `https://${host}/token`,
    };
    await bed.createSecret('google', { serviceaccount: JSON.stringify(account) });
    const spec = { provider: 'gcp' as const, secretRef: { name: 'google' } };
    const failed = await bed.failed(await create('google', spec), 'AuthenticationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toContain(`${host} cannot be asked for a login`);
  });
});
