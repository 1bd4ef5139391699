import { silentLogger } from '@sluice/shared/base';
import { type LoggingNode, startLoggingNode } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Hook } from '../../src/release/release.ts';
import { type Bed, installed, startBed } from './bed.ts';
import { type Doc, hook, job, pod, rendered } from './objects.ts';

let bed: Bed;
let node: LoggingNode;

beforeAll(async () => {
  bed = await startBed('logs');
  node = await startLoggingNode(bed.client, { name: bed.namespace });
});

afterAll(async () => {
  await node.stop();
  await bed.stop();
});

/** Puts the Pods of a hook on the node that has logs. */
function onNode(object: Doc): Doc {
  const spec = object['spec'] as { template?: { spec: object } };
  const { template } = spec;
  if (template === undefined) return { ...object, spec: { ...spec, nodeName: node.name } };
  const placed = { ...template, spec: { ...template.spec, nodeName: node.name } };
  return { ...object, spec: { ...spec, template: placed } };
}

function failing(name: string, hooks: Hook[]): Promise<Error> {
  return installed(bed, rendered(bed.namespace, [], { name, hooks })).then(
    () => Promise.reject(new Error('the hook did not fail')),
    (error: Error) => error,
  );
}

test('the error of a Job that failed holds the last lines of its Pod, without secret values', async () => {
  bed.ctx.masker.add('hunter2hunter2');
  node.logs.set('noisy-', 'connecting with hunter2hunter2\n\ncannot connect\n');
  const error = await failing('noisy', [hook(onNode(job('noisy', 'fail')), ['pre-install'])]);
  expect(error.message).toMatch(
    new RegExp(
      `last log lines of container main of Pod/${bed.namespace}/noisy-\\w+ \\(ended with exit code 1, Error\\):\n` +
        '  connecting with \\*{5}\n  cannot connect$',
    ),
  );
  const asked = node.queries.at(-1);
  expect([asked?.get('tailLines'), asked?.get('limitBytes')]).toEqual(['20', '8192']);
  const stored = await bed.ctx.storage.last('noisy');
  expect(stored?.info.description).toContain('cannot connect');
  expect(JSON.stringify(stored)).not.toContain('hunter2');
});

test('logs are read before the policy deletes the hook', async () => {
  node.logs.set('gone/', 'last words');
  const policies = { delete_policies: ['hook-failed' as const] };
  const gone = hook(onNode(pod('gone', 'fail')), ['pre-install'], policies);
  expect((await failing('gone', [gone])).message).toContain('\n  last words');
  expect(await bed.find('v1', 'Pod', 'gone')).toBeUndefined();
});

test('a log that cannot be read is said to be so, and does not hide the failure', async () => {
  const { message } = await failing('mute', [hook(onNode(pod('mute', 'fail')), ['pre-install'])]);
  expect(message).toContain(`Pod/${bed.namespace}/mute status: 'Failed' (Pod failed)`);
  expect(message).toMatch(/container main of Pod.*: its log could not be read: /);
});

test('the description of a release holds no more than the start of a long log', async () => {
  node.logs.set('long/', 'x'.repeat(8000));
  await failing('long', [hook(onNode(pod('long', 'fail')), ['pre-install'])]);
  const stored = await bed.ctx.storage.last('long');
  expect(stored?.info.description).toHaveLength(2001);
});

test('the log of a hook that succeeded is logged if its policy asks for it', async () => {
  node.logs.set('proud/', 'all is well');
  node.logs.set('modest/', 'nobody asks');
  const lines: object[] = [];
  const logger = {
    ...silentLogger,
    info: (fields: object | string) => lines.push(fields as object),
  };
  const policy = { output_log_policies: ['hook-succeeded' as const] };
  const hooks = [
    hook(onNode(pod('proud', 'complete')), ['pre-install'], policy),
    hook(onNode(pod('modest', 'complete')), ['pre-install']),
  ];
  const ctx = { ...bed.ctx, logger };
  await installed({ ...bed, ctx }, rendered(bed.namespace, [], { name: 'proud', hooks }));
  expect(lines.filter((fields) => 'hook' in fields)).toEqual([
    expect.objectContaining({
      hook: 'web/templates/proud.yaml',
      container: 'main',
      lines: ['all is well'],
    }),
  ]);
});
