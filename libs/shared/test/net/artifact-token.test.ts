import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthorizeDownload } from '../../src/net/artifact-token.ts';

const host = 'source-controller.flux-system.svc.cluster.local.';
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let file: string;

beforeAll(async () => {
  folder = await temporaryFolder('artifact-token');
  file = join(folder.path, 'token');
});
afterAll(() => folder.remove());

const authorize = (...hosts: string[]) =>
  createAuthorizeDownload({ 'artifact-token-file': file, 'artifact-token-hosts': hosts });

describe('the token of downloads', () => {
  it.each([
    `http://${host}/gitrepository/a/b/c.tar.gz`,
    `http://${host}:80/x`,
    `HTTP://${host.toUpperCase()}/x`,
    'http://127.0.0.1:9790/x',
  ])('goes to a host that was named: %s', async (address) => {
    await writeFile(file, 'a.b.c\n');
    expect(await authorize(host, '127.0.0.1:9790')(address)).toBe('Bearer a.b.c');
    await writeFile(file, 'd.e.f');
    expect(await authorize(host, '127.0.0.1:9790')(address)).toBe('Bearer d.e.f');
  });

  it.each([
    'http://evil.example.com/x',
    `http://${host}@evil.example.com/x`,
    `http://evil.example.com/${host}/`,
    `http://evil.example.com#${host}`,
    `http://evil.example.com?${host}`,
    `http://evil.example.com\\@${host}/x`,
    `http://${host}:8080/x`,
    `http://${host}evil.example.com/x`,
    `http://a.${host}/x`,
    `http://${host.slice(0, -1)}/x`,
    `http://${host.replace('.', '%2e')}x/`,
    'http://127.0.0.1/x',
    'http://127.1:9791/x',
    'http://[::1]:9790/x',
    `ftp://${host}/x`,
    `//${host}/x`,
    host,
    '',
  ])('goes nowhere else: %s', async (address) => {
    await writeFile(file, 'a.b.c');
    expect(await authorize(host, '127.0.0.1:9790')(address)).toBeUndefined();
  });

  it('that no header can hold is told by its file alone', async () => {
    await writeFile(file, 'secret\r\nx: y');
    const failure = authorize(host)(`http://${host}/x`);
    await expect(failure).rejects.toThrow(`--artifact-token-file ${file} holds no token`);
    await expect(failure).rejects.not.toThrow('secret');
  });

  it.each(['', 'http://a', 'a/b', 'a b', 'user@a', 'a:b', 'a?b', 'a:99999'])(
    'is refused for %j, which is no host',
    (bad) => {
      expect(() => authorize(bad)).toThrow(`--artifact-token-hosts: '${bad}' is no host`);
    },
  );

  it('needs both flags', () => {
    expect(() => authorize()).toThrow('give both');
    const hosts = { 'artifact-token-file': '', 'artifact-token-hosts': [host] };
    expect(() => createAuthorizeDownload(hosts)).toThrow('give both');
  });

  it('is none when there are no flags', async () => {
    const none = createAuthorizeDownload({ 'artifact-token-file': '', 'artifact-token-hosts': [] });
    expect(await none(`http://${host}/x`)).toBeUndefined();
  });
});
