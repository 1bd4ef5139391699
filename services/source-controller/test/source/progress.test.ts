import type { GitRepository } from '@sluice/shared/api';
import { FakeClock } from '@sluice/shared/base';
import type { ReconcileContext } from '@sluice/shared/runtime';
import { describe, expect, it } from 'vitest';
import { withProgress } from '../../src/source/progress.ts';

/** A context that only records what is written to the status. */
function recorder(clock: FakeClock) {
  const written: string[] = [];
  let said = '';
  const status = {
    observed: { kind: 'GitRepository' },
    status: { artifact: { revision: 'old' } },
    setCondition: ({ type }: { type: string }) => {
      said += `${type} `;
    },
    reconciling: (reason: string, message: string) => {
      said += `${reason}: ${message}`;
    },
    patch: async () => {
      written.push(said);
    },
  };
  const context = { clock, status } as unknown as ReconcileContext<GitRepository>;
  return { context, written };
}

describe('withProgress', () => {
  it('writes nothing about work that is done at once', async () => {
    const { context, written } = recorder(new FakeClock());
    expect(await withProgress(context, 'x', async () => 1)).toBe(1);
    expect(written).toEqual([]);
  });

  it('says what goes on when it takes long, once', async () => {
    const clock = new FakeClock();
    const { context, written } = recorder(clock);
    let finish: (value: string) => void = () => undefined;
    const work = new Promise<string>((resolve) => {
      finish = resolve;
    });
    const running = withProgress(context, "new upstream revision 'main'", () => work);
    await clock.advance(5000);
    expect(written).toEqual([
      "ArtifactOutdated Progressing: building artifact: new upstream revision 'main'",
    ]);
    finish('done');
    expect(await running).toBe('done');
    expect(clock.pending).toBe(0);
  });

  it('passes on the failure of the work, whenever it comes', async () => {
    const clock = new FakeClock();
    const { context } = recorder(clock);
    const fail = () => Promise.reject(new Error('broken'));
    await expect(withProgress(context, 'x', fail)).rejects.toThrow('broken');
    const late = withProgress(context, 'x', () => clock.sleep(3000).then(fail));
    const outcome = expect(late).rejects.toThrow('broken');
    await clock.advance(3000);
    await outcome;
  });
});
