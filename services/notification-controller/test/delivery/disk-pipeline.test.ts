import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FluxEvent } from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import { temporaryFolder } from '@sluice/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AttemptResult, DeadLetter, Delivery } from '../../src/delivery/delivery.ts';
import { createDiskPipeline } from '../../src/delivery/disk-pipeline.ts';
import type { Pipeline } from '../../src/delivery/pipeline.ts';
import { createIncidents } from '../../src/incident/incidents.ts';
import { notesInMemory } from '../notes.ts';
import { eventOf } from '../objects.ts';

let folder: { path: string; remove(): Promise<void> };
let pipeline: Pipeline;

beforeEach(async () => {
  folder = await temporaryFolder('pipeline');
});

afterEach(async () => {
  await pipeline.close();
  await folder.remove();
});

const failed: AttemptResult = { type: 'failed', error: 'status 500', permanent: false };

/** A pipeline whose event messages name their provider. */
function open(answer: (delivery: Delivery) => AttemptResult) {
  const attempts: string[] = [];
  const letters: DeadLetter[] = [];
  const changed: { wake: () => void } = { wake: () => undefined };
  pipeline = createDiskPipeline({
    dir: folder.path,
    maxBytes: 1_000_000,
    logger: silentLogger,
    alerting: {
      incidents: createIncidents(notesInMemory(), { logger: silentLogger }),
      release: async () => ({ waitMs: 60_000 }),
      waitingGroups: async () => [],
      spread: async ({ event, id }) => [
        {
          id,
          event,
          alert: { namespace: 'apps', name: 'alert' },
          provider: event.message.split(' ')[0] as string,
          key: id,
        },
      ],
    },
    attempt: async (delivery) => {
      attempts.push(delivery.event.message);
      changed.wake();
      return answer(delivery);
    },
    retry: { minDelayMs: 1, maxDelayMs: 2, giveUpAfterMs: 0, minAttempts: 3 },
    reporter: {
      attempted: () => undefined,
      unreadable: () => undefined,
      unreadableRecord: () => undefined,
      givenUp: async (letter) => {
        letters.push(letter);
        changed.wake();
      },
    },
  });
  const until = async (done: () => boolean) => {
    while (!done()) {
      await new Promise<void>((resolve) => {
        changed.wake = resolve;
      });
    }
  };
  return { attempts, letters, until };
}

const accept = (message: string) => pipeline.accept(eventOf({ message }), `id ${message}`);

describe('without NATS', () => {
  test('events wait until the pipeline is started', async () => {
    const { attempts, until } = open(() => ({ type: 'delivered' }));
    await accept('a 1');
    expect(attempts).toEqual([]);
    pipeline.start();
    await until(() => attempts.length === 1);
  });

  test('a provider that fails does not hold up another', async () => {
    const { attempts, until } = open(({ provider }) =>
      provider === 'bad' ? failed : { type: 'delivered' },
    );
    pipeline.start();
    await accept('bad 1');
    await accept('good 1');
    await until(() => attempts.includes('good 1'));
  });

  test('what is given up is kept with the last error', async () => {
    const { attempts, letters, until } = open(() => failed);
    pipeline.start();
    await accept('bad 1');
    await until(() => letters.length === 1);
    expect(attempts).toHaveLength(3);
    const dir = join(folder.path, 'deadletter');
    const [name] = await readdir(dir);
    const letter = JSON.parse(await readFile(join(dir, name as string), 'utf8')) as DeadLetter;
    expect(letter).toMatchObject({
      error: 'status 500',
      attempts: 3,
      delivery: { event: { message: 'bad 1' } },
    });
  });

  test('what was given up is delivered again on request, for one provider', async () => {
    let answer: AttemptResult = failed;
    const { attempts, letters, until } = open(() => answer);
    pipeline.start();
    await accept('bad 1');
    await accept('other 2');
    await until(() => letters.length === 2);
    answer = { type: 'delivered' };
    attempts.length = 0;
    const request = { namespace: 'apps', token: 't', signal: new AbortController().signal };
    const none = await pipeline.replay({ ...request, name: 'none' });
    expect(none).toEqual({ replayed: 0, more: false });
    const done = await pipeline.replay({ ...request, name: 'bad' });
    expect(done).toEqual({ replayed: 1, more: false });
    await until(() => attempts.length === 1);
    expect(attempts).toEqual(['bad 1']);
    expect(await readdir(join(folder.path, 'deadletter'))).toHaveLength(1);
    const foreign = await pipeline.replay({ ...request, namespace: 'elsewhere', name: 'other' });
    expect(foreign.replayed).toBe(0);
  });

  test('what an older process stored and is no event does not hold up what is one', async () => {
    const first = open(() => ({ type: 'delivered' }));
    const odd = [{ involvedObject: { kind: 'a b', name: '*' } }, null, 'text', { message: {} }];
    for (const event of odd) await pipeline.accept(event as unknown as FluxEvent, 'odd');
    await accept('good 1');
    pipeline.start();
    await first.until(() => first.attempts.includes('good 1'));
    expect(first.attempts).toEqual(['good 1']);
    expect(await readdir(join(folder.path, 'accepted', 'dead'))).toHaveLength(odd.length);
  });

  test('what was not delivered is, by the next process', async () => {
    const first = open(() => failed);
    pipeline.start();
    await accept('a 1');
    await first.until(() => first.attempts.length >= 1);
    await pipeline.close();
    const second = open(() => ({ type: 'delivered' }));
    pipeline.start();
    await second.until(() => second.attempts.length === 1 || first.letters.length === 1);
    expect([...second.attempts, ...first.letters.map((l) => l.delivery.event.message)]).toEqual([
      'a 1',
    ]);
  });
});
