import { StalledError } from '@sluice/shared/base';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failed, stalled, waiting } from '../../src/runtime/reconciler.ts';
import { ToyController } from './toy-controller.ts';

let toy: ToyController;

beforeEach(() => {
  toy = new ToyController();
});
afterEach(() => toy.end());

/** The samples of a metric, as `labels value`. */
async function samples(name: string): Promise<string[]> {
  const text = await toy.metrics.registry.getSingleMetricAsString(name);
  return text
    .split('\n')
    .filter((line) => line.startsWith(name))
    .map((line) => line.slice(name.length));
}

const condition = 'sluice_resource_condition';
const success = 'sluice_resource_last_success_timestamp_seconds';
const terminal = 'controller_runtime_terminal_reconcile_errors_total';
const identity = 'kind="GitRepository",name="app",namespace="ns"';

/** Reconciles, and shows the informer what was written. */
async function reconcile(change: { spec?: object; metadata?: object } = {}): Promise<void> {
  toy.see('app', change);
  await toy.settle();
  toy.informer.see(toy.stored('app'));
}

describe('the metrics of an object', () => {
  it('tell its conditions, its interval and its last success', async () => {
    toy.start();
    await reconcile();
    expect(await samples(condition)).toEqual([`{${identity},type="Ready",status="True"} 1`]);
    expect(await samples('sluice_resource_interval_seconds')).toEqual([`{${identity}} 600`]);
    expect(await samples(success)).toEqual([expect.stringMatching(/^\{.*\} \d{10}/)]);
  });

  it('follow a condition that changes, without leaving the former state', async () => {
    toy.start();
    await reconcile();
    toy.behave = async () => {
      throw new StalledError('InvalidSpec', 'no');
    };
    await reconcile({ metadata: { generation: 2 } });
    expect(await samples(condition)).toEqual([
      `{${identity},type="Ready",status="False"} 1`,
      `{${identity},type="Stalled",status="True"} 1`,
    ]);
    expect(await samples(terminal)).toEqual(['{controller="gitrepository"} 1']);
  });

  it('are gone with the object, and while it is suspended', async () => {
    toy.start();
    await reconcile();
    await reconcile({ spec: { suspend: true } });
    for (const name of [condition, success, 'sluice_resource_interval_seconds'])
      expect(await samples(name), name).toEqual([]);
    const duration = 'gotk_reconcile_duration_seconds';
    expect(await samples(duration)).not.toEqual([]);
    toy.informer.lose('ns/app');
    expect(await samples(duration)).toEqual([]);
  });

  it.each([
    {
      name: 'waits',
      behave: async () => waiting(),
      terminalErrors: 0,
    },
    {
      name: 'ends without an error, but not ready',
      behave: async ({ status }: Parameters<ToyController['behave']>[0]) => {
        status.setCondition({
          type: 'Ready',
          status: 'False',
          reason: 'UpgradeFailed',
          message: 'no',
        });
        return failed();
      },
      terminalErrors: 0,
    },
    {
      name: 'ends without an error, but stalled',
      behave: async ({ status }: Parameters<ToyController['behave']>[0]) => {
        status.setCondition({
          type: 'Ready',
          status: 'False',
          reason: 'UpgradeFailed',
          message: 'no',
        });
        return stalled('RetriesExceeded', 'no');
      },
      terminalErrors: 1,
    },
  ])('tell of no success when a reconcile $name', async ({ behave, terminalErrors }) => {
    toy.behave = behave;
    toy.start();
    await reconcile();
    expect(await samples(success)).toEqual([]);
    expect(await samples(terminal)).toEqual([`{controller="gitrepository"} ${terminalErrors}`]);
  });

  it('leave out an interval that is no duration', async () => {
    toy.start();
    await reconcile({ spec: { interval: 'soon' } });
    expect(await samples('sluice_resource_interval_seconds')).toEqual([]);
  });
});

describe('the metrics of the queue', () => {
  it('count what is added with a delay, intervals included', async () => {
    toy.start();
    await reconcile();
    const retries = 'workqueue_retries_total';
    const labels = '{name="gitrepository",controller="gitrepository"}';
    expect(await samples(retries)).toEqual([`${labels} 1`]);
    toy.controller.enqueue('ns/app', { afterMs: 1000 });
    toy.controller.enqueue('ns/app');
    expect(await samples(retries)).toEqual([`${labels} 2`]);
  });
});
