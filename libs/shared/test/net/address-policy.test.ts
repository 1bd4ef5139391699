import { AddressPolicy, classOf, networkFlags } from '@sluice/shared/net';
import { describe, expect, test } from 'vitest';

describe('classes of addresses', () => {
  const cases: [address: string, expected: string][] = [
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:7f00:1', 'loopback'],
    ['::ffff:0:127.0.0.1', 'loopback'],
    ['::127.0.0.1', 'loopback'],
    ['64:ff9b::127.0.0.1', 'loopback'],
    ['64:ff9b:1::127.0.0.1', 'loopback'],
    ['2002:7f00:1::', 'loopback'],
    ['2002:7fff:ffff:1::5', 'loopback'],
    ['169.254.169.254', 'metadata'],
    ['::ffff:169.254.169.254', 'metadata'],
    ['64:ff9b::a9fe:a9fe', 'metadata'],
    ['2002:a9fe:a9fe::1', 'metadata'],
    ['fd00:ec2::254', 'metadata'],
    ['100.100.100.200', 'metadata'],
    ['169.254.1.1', 'link-local'],
    ['fe80::1', 'link-local'],
    ['febf::1', 'link-local'],
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['::', 'unspecified'],
    ['::ffff:0.0.0.0', 'unspecified'],
    ['255.255.255.255', 'broadcast'],
    ['224.0.0.1', 'multicast'],
    ['ff02::1', 'multicast'],
    ['64:ff9b::224.0.0.1', 'multicast'],
    ['10.0.0.1', 'private'],
    ['172.31.0.1', 'private'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['fd12:3456::1', 'private'],
    ['::ffff:10.0.0.1', 'private'],
    ['2002:0a00:0001::1', 'private'],
    ['172.32.0.1', 'public'],
    ['8.8.8.8', 'public'],
    ['2606:4700::1111', 'public'],
    ['64:ff9b::8.8.8.8', 'public'],
    ['2002:808:808::1', 'public'],
  ];
  test.each(cases)('%s is %s', (address, expected) => {
    expect(classOf(address)).toBe(expected);
  });
});

describe('the policy', () => {
  test('refuses all classes but private by default', () => {
    const policy = new AddressPolicy();
    expect(policy.refusalOf('127.0.0.1')).toBe('loopback');
    expect(policy.refusalOf('fe80::1%eth0')).toBe('link-local');
    expect(policy.refusalOf('10.0.0.1')).toBeUndefined();
    expect(policy.refusalOf('8.8.8.8')).toBeUndefined();
  });

  test('refuses what is no address', () => {
    expect(new AddressPolicy().refusalOf('server.example')).toBe('unspecified');
    expect(new AddressPolicy().refusalOf('')).toBe('unspecified');
  });

  test('refuses what is denied, in all its forms, except for what is allowed', () => {
    const policy = new AddressPolicy({
      deny: ['private', '8.8.8.0/24'],
      allow: ['10.96.0.0/12', '8.8.8.8', 'fd00:1::/64'],
    });
    expect(policy.refusalOf('10.1.0.1')).toBe('private');
    expect(policy.refusalOf('10.96.0.1')).toBeUndefined();
    expect(policy.refusalOf('::ffff:10.96.0.1')).toBeUndefined();
    expect(policy.refusalOf('8.8.8.9')).toBe('denied');
    expect(policy.refusalOf('64:ff9b::8.8.8.9')).toBe('denied');
    expect(policy.refusalOf('8.8.8.8')).toBeUndefined();
    expect(policy.refusalOf('fd00:1::9')).toBeUndefined();
    expect(policy.refusalOf('fd00:2::9')).toBe('private');
  });

  test('allows a class and nothing else', () => {
    const policy = new AddressPolicy({ allow: ['loopback'] });
    expect(policy.refusalOf('127.0.0.1')).toBeUndefined();
    expect(policy.refusalOf('::ffff:127.0.0.1')).toBeUndefined();
    expect(policy.refusalOf('169.254.169.254')).toBe('metadata');
    expect(policy.refusalOf('0.0.0.0')).toBe('unspecified');
  });
});

test.each(['10.0.0.0/33', 'lopback', '10.0.0', 'fe80::1%eth0', '::/129', '10.0.0.0/-1'])(
  'the flags refuse %s',
  (entry) => {
    expect(() => networkFlags['allow-addresses'].parse(`loopback,${entry}`)).toThrow(RangeError);
  },
);
