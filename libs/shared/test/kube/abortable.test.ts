import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { abortable, destroyOnAbort, discard } from '../../src/kube/abortable.ts';

describe('abortable', () => {
  it('gives what comes in time', async () => {
    const { signal } = new AbortController();
    await expect(abortable(Promise.resolve(1), signal, () => {})).resolves.toBe(1);
    await expect(abortable(Promise.resolve(1), undefined, () => {})).resolves.toBe(1);
  });

  it('ends with the reason of an abort, and drops what comes later', async () => {
    const controller = new AbortController();
    const late = Promise.withResolvers<string>();
    const dropped: string[] = [];
    const waiting = abortable(late.promise, controller.signal, (value) => dropped.push(value));
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    late.resolve('late');
    await late.promise;
    expect(dropped).toEqual(['late']);
  });

  it('ends at once when aborted before', async () => {
    const never = new Promise<never>(() => {});
    const signal = AbortSignal.abort(new Error('before'));
    await expect(abortable(never, signal, () => {})).rejects.toThrow('before');
  });
});

it('destroys a stream with the reason of an abort', async () => {
  const controller = new AbortController();
  const body = new Readable({ read() {} });
  const failed = new Promise((resolve) => body.on('error', resolve));
  destroyOnAbort(body, controller.signal);
  controller.abort(new Error('enough'));
  await expect(failed).resolves.toMatchObject({ message: 'enough' });
});

it('discards a stream without an error that nobody hears', async () => {
  const body = new Readable({
    read() {},
    destroy: (_, done) => done(new Error('not read to its end')),
  });
  const closed = new Promise((resolve) => body.on('close', resolve));
  discard(body);
  await closed;
});
