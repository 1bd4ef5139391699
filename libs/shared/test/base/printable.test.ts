import { printable } from '@sluice/shared/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

describe('printable', () => {
  it.each([
    ['fatal: early EOF\u0000', 'fatal: early EOF'],
    ['\u0000\u0001a\u007fb\u009f', 'ab'],
    ['\u001b[1;31merror\u001b[0m: x', 'error: x'],
    ['counting 1\rcounting 2\r\ndone', 'counting 1\ncounting 2\ndone'],
    ['a\u202egpj.exe\u2066', 'agpj.exe'],
    ['half \ud800 pair', 'half  pair'],
    ['zwölf 😀 日本\tx\ny', 'zwölf 😀 日本\tx\ny'],
    ['', ''],
  ])('makes %j into %j', (text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  it('leaves nothing that cannot be shown, and changes nothing twice', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const shown = printable(text);
        expect(shown.isWellFormed()).toBe(true);
        expect(shown).not.toMatch(/(?![\t\n])\p{Cc}/u);
        expect(printable(shown)).toBe(shown);
      }),
    );
  });
});
