import { expect, it } from 'vitest';
import { PacketFlush } from '../../src/adapters/git/packet-flush.ts';

const list = '000eversion 2\n0013agent=git/2.47.0000';

it('finds the end of a list, however it is cut', () => {
  for (let size = 1; size <= list.length; size++) {
    const flush = new PacketFlush();
    const ends: boolean[] = [];
    for (let at = 0; at < list.length; at += size)
      ends.push(flush.isAtEnd(Buffer.from(list.slice(at, at + size))));
    expect(ends.pop(), `in parts of ${size}`).toBe(true);
    expect(ends).not.toContain(true);
  }
});

it('does not take the content of a packet for the end', () => {
  expect(new PacketFlush().isAtEnd(Buffer.from('00080000'))).toBe(false);
});

it.each([
  { name: 'no packets', text: 'Welcome to the server\n', message: /smart protocol/ },
  { name: 'more after the end', text: '00000008done', message: /without having been asked/ },
])('refuses $name', ({ text, message }) => {
  expect(() => new PacketFlush().isAtEnd(Buffer.from(text))).toThrow(message);
});
