import { describe, expect, it } from 'vitest';
import { signedCommit, signedTag } from '../../src/signature/signed-object.ts';

const head = 'tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a@example.com> 1 +0000\n';

describe('the signature of a commit', () => {
  it('is taken out of its header', () => {
    const folded = 'gpgsig -----BEGIN X-----\n line\n \n -----END X-----\n';
    const { payload, signature } = signedCommit(
      Buffer.from(`${head}${folded}encoding x\n\nText\n`),
    );
    expect(signature).toBe('-----BEGIN X-----\nline\n\n-----END X-----\n');
    expect(payload.toString()).toBe(`${head}encoding x\n\nText\n`);
  });

  it('is nothing that its message holds', () => {
    const text = `${head}\ngpgsig -----BEGIN X-----\n`;
    const { payload, signature } = signedCommit(Buffer.from(text));
    expect(signature).toBeUndefined();
    expect(payload.toString()).toBe(text);
  });

  it('is refused when there are two', () => {
    const text = `${head}gpgsig one\ngpgsig two\n\nText\n`;
    expect(() => signedCommit(Buffer.from(text))).toThrow('it has several signatures');
  });
});

describe('the signature of a tag', () => {
  it.each(['PGP', 'SSH'])('of %s is what follows the message', (form) => {
    const armor = `-----BEGIN ${form} SIGNATURE-----\nx\n-----END ${form} SIGNATURE-----\n`;
    const { payload, signature } = signedTag(Buffer.from(`${head}\nText\n${armor}`));
    expect(signature).toBe(armor);
    expect(payload.toString()).toBe(`${head}\nText\n`);
  });

  it('may not be there', () => {
    const { payload, signature } = signedTag(Buffer.from(`${head}\nText\n`));
    expect(signature).toBeUndefined();
    expect(payload.toString()).toBe(`${head}\nText\n`);
  });
});
