import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { KnownHosts } from '../../../src/adapters/ssh/known-hosts.ts';

const key = Buffer.from('one key');
const other = Buffer.from('another key');
const line = (hosts: string, of = key, type = 'ssh-ed25519') =>
  `${hosts} ${type} ${of.toString('base64')}`;

function hashed(name: string): string {
  const salt = Buffer.from('salt of twenty bytes');
  const hash = createHmac('sha1', salt).update(name).digest('base64');
  return `|1|${salt.toString('base64')}|${hash}`;
}

describe('a server is known', () => {
  it.each([
    { name: 'by its name', hosts: 'git.example.com', host: 'git.example.com', port: 22 },
    { name: 'in any case', hosts: 'Git.Example.com', host: 'git.EXAMPLE.com', port: 22 },
    { name: 'by one of several names', hosts: 'a,git,10.0.0.1', host: '10.0.0.1', port: 22 },
    { name: 'by another port', hosts: '[git]:2222', host: 'git', port: 2222 },
    { name: 'by an address of version 6', hosts: '[::1]:2222', host: '[::1]', port: 2222 },
    { name: 'by a pattern', hosts: '*.example.com', host: 'git.example.com', port: 22 },
    { name: 'by a pattern of one character', hosts: 'git?', host: 'git1', port: 22 },
    { name: 'by a hashed name', hosts: hashed('git'), host: 'git', port: 22 },
    { name: 'by a hashed port', hosts: hashed('[git]:2222'), host: 'git', port: 2222 },
  ])('$name', ({ hosts, host, port }) => {
    const known = new KnownHosts(`# comment\n\n${line(hosts)} a comment\r\n`);
    expect(known.isKnown(host, port, key)).toBe(true);
    expect(known.isKnown(host, port, other)).toBe(false);
  });
});

describe('a server is not known', () => {
  it.each([
    { name: 'by another name', text: line('git') },
    { name: 'at another port', text: line('[server]:2222') },
    { name: 'by a name that is a part of it', text: line('serve') },
    { name: 'when it is left out of a pattern', text: line('*,!server') },
    { name: 'by a hash of another name', text: line(hashed('git')) },
    { name: 'by a revoked key', text: `${line('server')}\n@revoked ${line('*')}` },
    { name: 'by an authority', text: `@cert-authority ${line('server')}` },
  ])('$name', ({ text }) => {
    expect(new KnownHosts(text).isKnown('server', 22, key)).toBe(false);
  });
});

it('asks a server for a key of a type that is known', () => {
  const known = new KnownHosts(`${line('a', key, 'ssh-rsa')}\n${line('b')}\n`);
  expect(known.algorithmsOf('a', 22)).toEqual(['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa']);
  expect(known.algorithmsOf('b', 22)).toEqual(['ssh-ed25519']);
  expect(known.algorithmsOf('c', 22)).toEqual([]);
});

it('says in which lines authorities vouch for a server', () => {
  const text = `# one\n@cert-authority ${line('*.example.com')}\n${line('git.example.com')}\n@cert-authority ${line('[a]:22')}`;
  const known = new KnownHosts(text);
  expect(known.authorityLines('git.example.com', 22)).toEqual([2]);
  expect(known.authorityLines('other', 22)).toEqual([]);
});

it.each([
  { name: 'a line without a key', text: `${line('a')}\ngit ssh-rsa`, message: /line 2: it needs/ },
  { name: 'an unknown marker', text: `@other ${line('a')}`, message: /line 1/ },
  { name: 'a long line', text: `a b ${'c'.repeat(20_000)}`, message: /at most 16384/ },
  { name: 'too many lines', text: '\n'.repeat(3_000), message: /at most 2000/ },
])('refuses $name', ({ text, message }) => {
  expect(() => new KnownHosts(text)).toThrow(message);
});

it('matches patterns of many stars at once', () => {
  const known = new KnownHosts(line(`${'*a'.repeat(2_000)}b`));
  expect(known.isKnown('a'.repeat(250), 22, key)).toBe(false);
});
