import { createHash, randomBytes } from 'node:crypto';
import { createHasher, digestAlgorithms, parseDigest } from '@sluice/shared/base';
import { describe, expect, test } from 'vitest';

/** The input of the vectors of BLAKE3. */
const patternOf = (length: number) => Buffer.from(Array.from({ length }, (_, at) => at % 251));

/** Hands content over in parts of several lengths, as servers send it. */
async function digestOf(algorithm: (typeof digestAlgorithms)[number], content: Buffer) {
  const hash = await createHasher(algorithm);
  const lengths = [1, 1000, 1024, 65_536, 262_144];
  for (let at = 0, turn = 0; at < content.length; turn++) {
    const length = lengths[turn % lengths.length] as number;
    hash.update(content.subarray(at, at + length));
    at += length;
  }
  return hash.digest();
}

describe('blake3', () => {
  // https://github.com/BLAKE3-team/BLAKE3/blob/master/test_vectors/test_vectors.json, and one of zeebo/blake3, which Flux
  // uses.
  test.each([
    [0, 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262'],
    [1, '2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213'],
    [1023, '10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11'],
    [1024, '42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7'],
    [1025, 'd00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444'],
    [2049, '5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030'],
    [3073, '7124b49501012f81cc7f11ca069ec9226cecb8a2c850cfe644e327d22d3e1cd3'],
    [4097, '9b4052b38f1c5fc8b1f9ff7ac7b27cd242487b3d890d15c96a1c25b8aa0fb995'],
    [6145, 'f1323a8631446cc50536a9f705ee5cb619424d46887f3c376c695b70e0f0507f'],
    [8193, 'bab6c09cb8ce8cf459261398d2e7aef35700bf488116ceb94a36d0f5f1b7bc3b'],
    [16384, 'f875d6646de28985646f34ee13be9a576fd515f76b5b0a26bb324735041ddde4'],
    [31744, '62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47'],
    [4194304, '4e94e6f582581a0f3855f3ce504b153e951e65036fe9e2f010b7e25473c54f98'],
  ])('of the vector of %i bytes is that of others', async (length, hex) => {
    expect(await digestOf('blake3', patternOf(length))).toBe(`blake3:${hex}`);
  });

  test('is computed side by side without mixing', async () => {
    const [a, b] = [patternOf(5000), patternOf(6145)];
    const one = await createHasher('blake3');
    const two = await createHasher('blake3');
    for (let at = 0; at < 7000; at += 500) {
      one.update(a.subarray(at, at + 500));
      two.update(b.subarray(at, at + 500));
    }
    expect([one.digest(), two.digest()]).toEqual([
      await digestOf('blake3', a),
      await digestOf('blake3', b),
    ]);
  });
});

test.each(['sha256', 'sha384', 'sha512'] as const)('%s is that of Node', async (algorithm) => {
  const content = randomBytes(300_000);
  const hex = createHash(algorithm).update(content).digest('hex');
  expect(await digestOf(algorithm, content)).toBe(`${algorithm}:${hex}`);
});

test.each(digestAlgorithms)('a digest of %s can be read', async (algorithm) => {
  expect(parseDigest(await digestOf(algorithm, patternOf(10)))).toMatchObject({ algorithm });
});
