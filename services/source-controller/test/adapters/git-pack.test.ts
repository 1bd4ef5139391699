import { createHash, hash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { defaultPackLimits, PackReader } from '../../src/adapters/git/pack-reader.ts';
import { openPack } from '../../src/adapters/git/pack-source.ts';
import { defaultTreeLimits, listTree, readCommit } from '../../src/adapters/git/tree.ts';

const numbers = { commit: 1, tree: 2, blob: 3, tag: 4, offsetDelta: 6, nameDelta: 7 };

interface RawObject {
  type: keyof typeof numbers;
  content: Buffer;
  /** Goes between the header and the data: the base of a delta. */
  base?: Buffer;
  /** A size that differs from the content's. */
  declaredSize?: number;
}

function header(type: number, size: number): Buffer {
  const bytes = [(type << 4) | (size & 15)];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1] = (bytes.at(-1) as number) | 0x80;
    bytes.push(rest & 0x7f);
  }
  return Buffer.from(bytes);
}

function pack(objects: RawObject[], count = objects.length): Buffer {
  const head = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
  head.writeUInt32BE(count, 8);
  const bodies = objects.map(({ type, content, base, declaredSize }) =>
    Buffer.concat([
      header(numbers[type], declaredSize ?? content.length),
      base ?? Buffer.alloc(0),
      deflateSync(content),
    ]),
  );
  const all = Buffer.concat([head, ...bodies]);
  return Buffer.concat([all, createHash('sha1').update(all).digest()]);
}

function oidOf(type: string, content: Buffer): string {
  return hash('sha1', Buffer.concat([Buffer.from(`${type} ${content.length}\0`), content]), 'hex');
}

function read(bytes: Buffer, limits = {}): Promise<PackReader> {
  return PackReader.open(openPack({ bytes }), { ...defaultPackLimits, ...limits });
}

function tree(entries: { mode: string; name: string; oid: string }[]): RawObject {
  const content = entries.map(({ mode, name, oid }) =>
    Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, 'hex')]),
  );
  return { type: 'tree', content: Buffer.concat(content) };
}

const hello: RawObject = { type: 'blob', content: Buffer.from('hello world\n') };
const helloOid = oidOf('blob', hello.content);
/** Copies the first five bytes of a base of twelve, then adds an exclamation mark. */
const delta = Buffer.from([12, 6, 0b1001_0000, 5, 1, 0x21]);

describe('PackReader', () => {
  it('names objects by their content and rebuilds deltas, whatever their order', async () => {
    const toName: RawObject = {
      type: 'nameDelta',
      base: Buffer.from(helloOid, 'hex'),
      content: delta,
    };
    const reader = await read(pack([toName, hello]));
    expect(reader.get(helloOid).content.toString()).toBe('hello world\n');
    const rebuilt = Buffer.from('hello!');
    expect(reader.get(oidOf('blob', rebuilt))).toEqual({ type: 'blob', content: rebuilt });
  });

  it.each([
    { name: 'no pack', bytes: Buffer.from('<html>') },
    { name: 'nothing', bytes: Buffer.alloc(0) },
    {
      name: 'a wrong checksum',
      bytes: Buffer.concat([pack([hello]).subarray(0, -1), Buffer.of(1)]),
    },
    { name: 'a cut', bytes: pack([hello]).subarray(0, -25) },
    { name: 'more objects than it has', bytes: pack([hello], 2) },
    { name: 'fewer objects than it has', bytes: pack([hello, hello], 1) },
    { name: 'an object longer than it says', bytes: pack([{ ...hello, declaredSize: 3 }]) },
    { name: 'an object shorter than it says', bytes: pack([{ ...hello, declaredSize: 99 }]) },
    {
      name: 'a delta without its base',
      bytes: pack([{ type: 'nameDelta', base: Buffer.alloc(20, 7), content: delta }]),
    },
    {
      name: 'a delta whose base lies before the pack',
      bytes: pack([{ type: 'offsetDelta', base: Buffer.of(0x7f), content: delta }]),
    },
    {
      name: 'a delta that copies beyond its base',
      bytes: pack([
        hello,
        {
          type: 'nameDelta',
          base: Buffer.from(helloOid, 'hex'),
          content: Buffer.from([12, 6, 0b1001_0001, 11, 6]),
        },
      ]),
    },
  ])('refuses $name', async ({ bytes }) => {
    await expect(read(bytes)).rejects.toMatchObject({ name: 'PackError' });
  });

  it('refuses bombs by what they say, before they are unpacked', async () => {
    const zeros = Buffer.alloc(50 * 1024 * 1024);
    const bomb = pack([{ type: 'blob', content: zeros }]);
    expect(bomb.length).toBeLessThan(100_000);
    await expect(read(bomb, { maxObjectBytes: 1_000_000 })).rejects.toThrow(
      /larger than 1000000 bytes/,
    );
    await expect(read(bomb, { maxTotalBytes: 1_000_000 })).rejects.toThrow(
      /more than 1000000 bytes/,
    );
    const liar = pack([{ type: 'blob', content: zeros, declaredSize: 10 }]);
    await expect(read(liar)).rejects.toThrow(/cannot be decompressed/);
    await expect(read(pack([hello], 4_000_000_000))).rejects.toThrow(/4000000000 objects/);
    const deltaBomb: RawObject = {
      type: 'nameDelta',
      base: Buffer.from(helloOid, 'hex'),
      content: Buffer.from([12, 0xff, 0xff, 0xff, 0xff, 0x7f]),
    };
    await expect(read(pack([hello, deltaBomb]))).rejects.toThrow(/larger than/);
  });
});

describe('what a pack may cost', () => {
  const word = (text: string): RawObject => ({ type: 'blob', content: Buffer.from(text) });

  /** A delta on a base of as many bytes that gives other bytes of its own. */
  function rename(base: string, text: string): RawObject {
    const named = Buffer.from(oidOf('blob', Buffer.from(base)), 'hex');
    const content = Buffer.concat([
      Buffer.of(base.length, text.length, text.length),
      Buffer.from(text),
    ]);
    return { type: 'nameDelta', base: named, content };
  }

  it('rebuilds deltas that come in the worst order in one pass', async () => {
    const names = Array.from({ length: 4000 }, (_, i) => `number ${String(i).padStart(6, '0')}`);
    const deltas = names.slice(1).map((text, i) => rename(names[i] as string, text));
    const reader = await read(pack([...deltas.reverse(), word(names[0] as string)]));
    const last = Buffer.from(names.at(-1) as string);
    expect(reader.get(oidOf('blob', last)).content).toEqual(last);
  });

  it('counts what deltas make, not only what they hold', async () => {
    const base: RawObject = { type: 'blob', content: Buffer.alloc(65536, 1) };
    const oid = Buffer.from(oidOf('blob', base.content), 'hex');
    // Each copies the base a hundred times, and adds one byte to differ.
    const size = (value: number) => [(value & 127) | 128, ((value >> 7) & 127) | 128, value >> 14];
    const deltas = Array.from(
      { length: 20 },
      (_, i): RawObject => ({
        type: 'nameDelta',
        base: oid,
        content: Buffer.from([
          ...size(65536),
          ...[...size(6_553_601)].slice(0, 2),
          ((6_553_601 >> 14) & 127) | 128,
          6_553_601 >> 21,
          ...Array.from({ length: 100 }, () => 0b1000_0000),
          ...[1, i],
        ]),
      }),
    );
    const bomb = pack([base, ...deltas]);
    expect(bomb.length).toBeLessThan(5000);
    await expect(read(bomb, { maxTotalBytes: 50_000_000 })).rejects.toThrow(
      /unpacks to more than 50000000 bytes/,
    );
  });

  it('knows sizes without reading', async () => {
    const reader = await read(pack([hello]));
    expect(reader.sizeOf(helloOid)).toBe(12);
  });
});

describe('listTree', () => {
  async function list(objects: RawObject[], root: RawObject, maxEntries = 1000) {
    const reader = await read(pack([...objects, root]));
    return listTree(reader, oidOf('tree', root.content), { ...defaultTreeLimits, maxEntries });
  }

  it('lists files with their modes, without links and submodules', async () => {
    const sub = tree([{ mode: '100755', name: 'run', oid: helloOid }]);
    const root = tree([
      { mode: '100644', name: 'a', oid: helloOid },
      { mode: '120000', name: 'link', oid: helloOid },
      { mode: '160000', name: 'module', oid: helloOid },
      { mode: '40000', name: 'sub', oid: oidOf('tree', sub.content) },
    ]);
    const { files, submodules } = await list([hello, sub], root);
    expect(files.map(({ path, executable }) => [path, executable])).toEqual([
      ['a', false],
      ['sub/run', true],
    ]);
    expect(submodules).toEqual([{ path: 'module', commit: helloOid }]);
  });

  it('begins all paths with a directory when told', async () => {
    const root = tree([
      { mode: '100644', name: 'a', oid: helloOid },
      { mode: '160000', name: 'module', oid: helloOid },
    ]);
    const reader = await read(pack([hello, root]));
    const { files, submodules } = await listTree(
      reader,
      oidOf('tree', root.content),
      defaultTreeLimits,
      'vendor/lib',
    );
    expect(files.map(({ path }) => path)).toEqual(['vendor/lib/a']);
    expect(submodules.map(({ path }) => path)).toEqual(['vendor/lib/module']);
  });

  it.each([
    { name: 'a link and a directory', mode: '120000' },
    { name: 'a file and a directory', mode: '100644' },
    { name: 'a submodule and a directory', mode: '160000' },
  ])('refuses a name that $name have', async ({ mode }) => {
    const sub = tree([{ mode: '100644', name: 'x', oid: helloOid }]);
    const root = tree([
      { mode, name: 'a', oid: helloOid },
      { mode: '40000', name: 'a', oid: oidOf('tree', sub.content) },
    ]);
    await expect(list([hello, sub], root)).rejects.toThrow('the file name "a" is there twice');
  });

  it.each(['..', '.git', 'git~1', '.GIT'])('refuses a submodule of the name %j', async (name) => {
    const root = tree([{ mode: '160000', name, oid: helloOid }]);
    await expect(list([hello], root)).rejects.toThrow(/file name/);
  });

  it.each(['..', '.', '', 'a/b', '../x', 'a\\b', '.git', '.GIT', 'git~1', '.git ', '.git.'])(
    'refuses the file name %j',
    async (name) => {
      const root = tree([{ mode: '100644', name, oid: helloOid }]);
      await expect(list([hello], root)).rejects.toThrow(/file name/);
    },
  );

  it('ends trees that repeat themselves without end', async () => {
    const levels: RawObject[] = [tree([{ mode: '100644', name: 'f', oid: helloOid }])];
    for (let level = 0; level < 12; level++) {
      const below = oidOf('tree', (levels[level] as RawObject).content);
      const names = Array.from({ length: 10 }, (_, i) => ({
        mode: '40000',
        name: `d${i}`,
        oid: below,
      }));
      levels.push(tree(names));
    }
    const root = levels.pop() as RawObject;
    await expect(list([hello, ...levels], root)).rejects.toThrow(/more than 1000 files/);
  });

  it('ends trees whose paths grow without end', async () => {
    let level = tree([{ mode: '100644', name: 'f', oid: helloOid }]);
    const levels = [level];
    for (let depth = 0; depth < 200; depth++) {
      const oid = oidOf('tree', level.content);
      level = tree(['a', 'b'].map((c) => ({ mode: '40000', name: c.repeat(250), oid })));
      levels.push(level);
    }
    const root = levels.pop() as RawObject;
    const reader = await read(pack([hello, ...levels, root]));
    const listing = listTree(reader, oidOf('tree', root.content));
    await expect(listing).rejects.toThrow(/paths have more than 67108864 characters/);
  });

  it('says when an object is missing or of another type', async () => {
    const root = tree([{ mode: '40000', name: 'sub', oid: helloOid }]);
    await expect(list([hello], root)).rejects.toThrow(/is a blob, not a tree/);
    const missing = tree([{ mode: '40000', name: 'sub', oid: '1'.repeat(40) }]);
    await expect(list([], missing)).rejects.toThrow(/is missing/);
  });
});

describe('readCommit', () => {
  it('follows a tag to its commit and takes the first line of the message', async () => {
    const root = tree([]);
    const treeOid = oidOf('tree', root.content);
    const text = `tree ${treeOid}\nauthor A <a@b> 1 +0000\n\nSubject line\n\nBody\n`;
    const commit: RawObject = { type: 'commit', content: Buffer.from(text) };
    const commitOid = oidOf('commit', commit.content);
    const tagText = `object ${commitOid}\ntype commit\ntag v1\n\nrelease\n`;
    const tag: RawObject = { type: 'tag', content: Buffer.from(tagText) };
    const reader = await read(pack([root, commit, tag]));
    const subject = 'Subject line';
    const expected = { oid: commitOid, tree: treeOid, subject, author: 'A' };
    expect(await readCommit(reader, oidOf('tag', tag.content))).toEqual(expected);
    await expect(readCommit(reader, treeOid)).rejects.toThrow(/is a tree, not a commit/);
  });
});
