import { FakeClock } from '@sluice/shared/base';
import { beforeEach, describe, expect, test } from 'vitest';
import { createJudge, type JudgeToken } from '../../../src/runtime/authenticate/judge-token.ts';
import {
  type Review,
  ReviewUnavailableError,
} from '../../../src/runtime/authenticate/review-token.ts';

const sender = 'system:serviceaccount:flux-system:kustomize-controller';
const stranger = 'system:serviceaccount:team:default';

let clock: FakeClock;
/** Reviews that were begun, in order, and how each ends. */
let open: { token: string; end: (result: Review | Error) => void }[];
let judge: JudgeToken;

beforeEach(() => {
  clock = new FakeClock();
  open = [];
  judge = createJudge({
    users: new Set([sender]),
    clock,
    review: (token) =>
      new Promise((resolve, reject) => {
        const end = (result: Review | Error) =>
          result instanceof Error ? reject(result) : resolve(result);
        open.push({ token, end });
      }),
  });
});

/** Judges a token that becomes `result` when it is reviewed; says whether it was reviewed. */
async function judged(token: string, result: Review | Error, address = '10.0.0.1') {
  const before = open.length;
  const verdict = judge(token, address);
  verdict.catch(() => undefined);
  await settled();
  open[before]?.end(result);
  return { verdict: await verdict, reviewed: open.length > before };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

const nobody: Review = { problem: 'unknown' };

const tokenUntil = (ms: number) =>
  `e30.${Buffer.from(JSON.stringify({ exp: ms / 1000 })).toString('base64url')}.c2ln`;

describe('the verdict on a token', () => {
  test.each([
    { name: 'of a sender', review: { user: sender }, wanted: { kind: 'accepted', user: sender } },
    {
      name: 'of another account',
      review: { user: stranger },
      wanted: { kind: 'forbidden', user: stranger },
    },
    { name: 'of nobody', review: nobody, wanted: { kind: 'unauthenticated', problem: 'unknown' } },
  ])('$name is remembered', async ({ review, wanted }) => {
    expect(await judged('token', review)).toEqual({ verdict: wanted, reviewed: true });
    expect(await judged('token', nobody)).toEqual({ verdict: wanted, reviewed: false });
  });

  test('holds for at most a minute when it is accepted', async () => {
    await judged('token', { user: sender });
    await clock.advance(60_000);
    const later = await judged('token', nobody);
    expect(later).toMatchObject({ verdict: { kind: 'unauthenticated' }, reviewed: true });
  });

  test('holds no longer than the token', async () => {
    const token = tokenUntil(clock.now() + 5_000);
    await judged(token, { user: sender });
    await clock.advance(4_999);
    expect((await judged(token, nobody)).reviewed).toBe(false);
    await clock.advance(1);
    expect((await judged(token, nobody)).verdict.kind).toBe('unauthenticated');
  });

  test('holds for a shorter time when it is refused', async () => {
    await judged('token', nobody);
    await clock.advance(20_000);
    const later = await judged('token', { user: sender });
    expect(later).toMatchObject({ verdict: { kind: 'accepted' }, reviewed: true });
  });

  test('is not remembered when there is none', async () => {
    await expect(judged('token', new ReviewUnavailableError('away'))).rejects.toThrow('away');
    expect((await judged('token', { user: sender })).verdict.kind).toBe('accepted');
  });

  test('is shared by those who ask at the same time', async () => {
    const verdicts = [1, 2, 3].map((n) => judge('token', `10.0.0.${n}`));
    await settled();
    expect(open).toHaveLength(1);
    open[0]?.end({ user: sender });
    expect((await Promise.all(verdicts)).map(({ kind }) => kind)).toEqual(
      Array.from({ length: 3 }, () => 'accepted'),
    );
  });
});

describe('a flood of unknown tokens', () => {
  /** Asks for many tokens from an address, and returns what is answered at once. */
  function flood(address: string, count = 50): Promise<PromiseSettledResult<unknown>[]> {
    const asked = Array.from({ length: count }, (_, n) => judge(`bad-${address}-${n}`, address));
    return Promise.allSettled(asked);
  }

  /** Ends reviews as refused until none is open. */
  async function refuseAll(from = 0) {
    for (let at = from; at < open.length; at++) {
      open[at]?.end(nobody);
      await settled();
    }
  }

  test('of one address runs two reviews at a time, and few in all', async () => {
    const answers = flood('10.0.0.9');
    await settled();
    expect(open).toHaveLength(2);
    await refuseAll();
    const refused = (await answers).filter(({ status }) => status === 'rejected');
    expect(open).toHaveLength(8);
    expect(refused).toHaveLength(42);
    expect(refused[0]).toMatchObject({ reason: expect.any(ReviewUnavailableError) });
  });

  test('of one address gets one review a second', async () => {
    for (const _ of Array(3)) {
      void flood('10.0.0.9');
      await settled();
      await refuseAll();
    }
    expect(open).toHaveLength(10);
    await clock.advance(3_000);
    void flood('10.0.0.9');
    await settled();
    await refuseAll(10);
    expect(open).toHaveLength(13);
  });

  test('of many addresses runs eight reviews at a time', async () => {
    for (let n = 0; n < 100; n++) void flood(`10.0.1.${n}`, 5);
    await settled();
    expect(open).toHaveLength(8);
  });

  test('does not keep a sender at another address waiting for all of them', async () => {
    for (let n = 0; n < 20; n++) void flood(`10.0.1.${n}`, 10);
    const verdict = judge('good', '10.0.0.1');
    await settled();
    for (let at = 0; open[at] !== undefined; at++) {
      const { token, end } = open[at] as (typeof open)[number];
      if (token === 'good') break;
      end(nobody);
      await settled();
    }
    const good = open.find(({ token }) => token === 'good');
    expect(open.length).toBeLessThan(50);
    good?.end({ user: sender });
    expect((await verdict).kind).toBe('accepted');
  });

  test('does not keep a sender that was accepted before from being reviewed, even from its own address', async () => {
    await judged('good', { user: sender });
    await clock.advance(60_000);
    for (const _ of Array(3)) {
      void flood('10.0.0.1');
      await settled();
      await refuseAll(1);
    }
    expect(await judged('good', { user: sender })).toMatchObject({ reviewed: true });
    await expect(judge('new', '10.0.0.1')).rejects.toThrow(ReviewUnavailableError);
  });

  test('does not push out what is known of senders', async () => {
    await judged('good', { user: sender });
    for (let n = 0; n < 2100; n++) await judged(`bad-${n}`, nobody, `10.1.${n % 250}.${n % 249}`);
    expect((await judged('good', nobody)).verdict.kind).toBe('accepted');
  }, 30_000);
});
