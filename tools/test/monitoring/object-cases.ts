import { scraped } from './process-cases.ts';
import { type Labels, type RuleCase, series } from './promtool.ts';

const key = { exported_namespace: 'apps', name: 'shop' };

/** What an alert about the object carries. */
const identity = (kind: string): Labels => ({ kind, namespace: 'apps', name: 'shop' });

function state(controller: string, kind: string) {
  return (type: string, status: string, replica = 'a') =>
    series('sluice_resource_condition', {
      kind,
      ...key,
      type,
      status,
      ...scraped(controller, replica),
    });
}

/** The scenarios of the rules about any object of a controller. */
export function objectCases(controller: string, kind: string): RuleCase[] {
  return [
    ...failingCases(controller, kind),
    ...recoveredCases(controller, kind),
    ...stalledCases(controller, kind),
    ...suspendedCases(kind),
  ];
}

function failingCases(controller: string, kind: string): RuleCase[] {
  const alert = 'SluiceResourceFailing';
  const condition = state(controller, kind);
  return [
    {
      alert,
      name: 'Ready is False',
      series: { [condition('Ready', 'False')]: '1x30' },
      at: 12,
      fires: [identity(kind)],
    },
    {
      alert,
      name: 'Ready alternates between False and Unknown',
      series: {
        [condition('Ready', 'False')]: '1x2 _x4 1x2 _x4 1x2 _x4 1x2',
        [condition('Ready', 'Unknown')]: '_x2 1x3 _x2 1x3 _x2 1x3 _x2 1x3',
      },
      at: 15,
      fires: [identity(kind)],
    },
    {
      alert,
      name: 'fires once while two replicas report it',
      series: {
        [condition('Ready', 'False', 'a')]: '1x30',
        [condition('Ready', 'False', 'b')]: '1x30',
      },
      at: 12,
      fires: [identity(kind)],
    },
  ];
}

function recoveredCases(controller: string, kind: string): RuleCase[] {
  const alert = 'SluiceResourceFailing';
  const condition = state(controller, kind);
  return [
    {
      alert,
      name: 'silent once it is ready again',
      series: {
        [condition('Ready', 'False')]: '1x15 stale',
        [condition('Ready', 'True')]: '_x15 1x30',
      },
      at: 18,
      fires: [],
    },
    {
      alert,
      name: 'silent once it is suspended or deleted',
      series: { [condition('Ready', 'False')]: '1x15 stale' },
      at: 18,
      fires: [],
    },
    {
      alert,
      name: 'silent about a short failure',
      series: {
        [condition('Ready', 'False')]: '1x5 stale',
        [condition('Ready', 'True')]: '_x5 1x30',
      },
      at: 12,
      fires: [],
    },
  ];
}

function stalledCases(controller: string, kind: string): RuleCase[] {
  const condition = state(controller, kind);
  return [
    {
      alert: 'SluiceResourceStalled',
      name: 'Stalled is True',
      series: { [condition('Stalled', 'True')]: '1x30' },
      at: 3,
      fires: [identity(kind)],
    },
    {
      alert: 'SluiceResourceStalled',
      name: 'silent about a failure that is tried again',
      series: { [condition('Ready', 'False')]: '1x30', [condition('Reconciling', 'True')]: '1x30' },
      at: 3,
      fires: [],
    },
    {
      alert: 'SluiceResourceNotProgressing',
      name: 'Ready stays Unknown',
      series: { [condition('Ready', 'Unknown')]: '1x60' },
      at: 32,
      fires: [identity(kind)],
    },
    {
      alert: 'SluiceResourceNotProgressing',
      name: 'silent while it gets ready in time',
      series: {
        [condition('Ready', 'Unknown')]: '1x10 stale',
        [condition('Ready', 'True')]: '_x10 1x60',
      },
      at: 32,
      fires: [],
    },
  ];
}

function suspendedCases(kind: string): RuleCase[] {
  const alert = 'SluiceResourceSuspended';
  const info = (labels: Labels) =>
    series('gotk_resource_info', { customresource_kind: kind, ...key, ...labels, job: 'ksm' });
  return [
    {
      alert,
      name: 'suspended for longer than a day, at whatever revision',
      series: {
        [info({ suspended: 'true', revision: 'a' })]: '1x800 stale',
        [info({ suspended: 'true', revision: 'b' })]: '_x800 1x800',
      },
      at: 1500,
      fires: [identity(kind)],
    },
    {
      alert,
      name: 'silent about an object that runs',
      series: {
        [info({ suspended: 'false' })]: '1x1600',
        [series('gotk_resource_info', { customresource_kind: kind, ...key, name: 'other' })]:
          '1x1600',
      },
      at: 1500,
      fires: [],
    },
  ];
}

/** The scenarios of the rules about sources. */
export function sourceCases(): RuleCase[] {
  const alert = 'SluiceSourceStale';
  const kind = 'GitRepository';
  const labels = { kind, ...key, ...scraped('source-controller') };
  const last = series('sluice_resource_last_success_timestamp_seconds', labels);
  const interval = series('sluice_resource_interval_seconds', labels);
  return [
    {
      alert,
      name: 'not looked at for more than three intervals',
      series: { [last]: '0x60', [interval]: '600x60' },
      at: 42,
      fires: [identity(kind)],
    },
    {
      alert,
      name: 'silent while it is looked at',
      series: { [last]: '0+600x0 0x9 600x9 1200x9 1800x9 2400x9', [interval]: '600x60' },
      at: 42,
      fires: [],
    },
    {
      alert,
      name: 'silent about an interval of an hour',
      series: { [last]: '0x60', [interval]: '3600x60' },
      at: 42,
      fires: [],
    },
    {
      alert,
      name: 'silent about a suspended source, which has neither metric',
      series: { [last]: '0x20 stale', [interval]: '600x20 stale' },
      at: 42,
      fires: [],
    },
  ];
}
