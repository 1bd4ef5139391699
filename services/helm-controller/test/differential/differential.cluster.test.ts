import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bed, type ChartFiles, startBed } from '../helm-release/harness.ts';
import { type CaseValues, type ChartCase, configMap, type Refusal } from './charts/case.ts';
import { chartCases } from './charts/index.ts';
import { refusals } from './charts/refusals.ts';
import { type Row, tableOf } from './compare.ts';
import { Comparison, type ComparisonOptions } from './comparison.ts';

let bed: Bed;
let folder: { path: string; remove(): Promise<void> };
const rows: Row[] = [];

beforeAll(async () => {
  bed = await startBed(['--concurrent=8']);
  folder = await temporaryFolder('differential');
});
afterAll(async () => {
  await bed.stop();
  await folder.remove();
  console.log(tableOf(rows));
});

const wrongName = 'Not_A_Name';
const refusedName = ['ConfigMap', wrongName, 'metadata.name'];

/** A chart with an object that the API server refuses if the values say so. */
function complete(name: string, files: ChartFiles): ChartFiles {
  return {
    'Chart.yaml': `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`,
    'templates/mm-failing.yaml': `{{ if .Values.failing }}${configMap(wrongName, '  a: b')}{{ end }}`,
    ...files,
  };
}

function newer({ name, files, upgrade }: ChartCase): ChartFiles {
  const all = { ...complete(name, files), ...upgrade?.files };
  return { ...all, 'Chart.yaml': all['Chart.yaml']?.replace('1.0.0', '1.1.0') ?? '' };
}

type Upgrade = (
  values: CaseValues,
) => readonly [() => Promise<string | undefined>, () => Promise<string | undefined>];

/** Upgrades to something that fails, and back to what was before, by a rollback or by another upgrade. */
async function compareFailure(
  one: ChartCase,
  comparison: Comparison,
  { to, good }: { to: Upgrade; good: CaseValues },
): Promise<void> {
  const failing = one.failing ?? { failing: true };
  const says = one.failure ?? refusedName;
  const [helmFails, oursFails] = to(failing);
  const fails = true;
  if (one.recovery === 'upgrade') {
    const name = 'failing upgrade';
    const failures = await comparison.step(name, [helmFails, oursFails], { fails });
    comparison.meaning(name, failures, says);
    // Of what was refused nothing is left that would make an upgrade necessary.
    if (!one.refused) await comparison.step('recovery', to(good));
    return;
  }
  const failAndGoBack = async () => {
    const failure = await helmFails();
    await comparison.helm.rollback(2);
    return failure;
  };
  const name = 'failing upgrade and rollback';
  const failures = await comparison.step(name, [failAndGoBack, oursFails], { fails });
  comparison.meaning(name, failures, says);
}

async function compareLife(one: ChartCase, comparison: Comparison): Promise<void> {
  const { helm, ours } = comparison;
  const { values = {}, failsAtFirst = false } = one;
  const first = await comparison.chart(complete(one.name, one.files));
  const start = failsAtFirst ? { failing: true } : values;
  const install = [
    () => helm.install(first[0], start),
    () => ours.install(first[1], start),
  ] as const;
  const installed = await comparison.step('install', install, { fails: failsAtFirst });
  if (failsAtFirst) comparison.meaning('install', installed, refusedName);
  const second = await comparison.chart(newer(one));
  const to: Upgrade = (what) => [
    () => helm.upgrade(second[0], what),
    () => ours.upgrade(second[1], what),
  ];
  const good = one.upgrade?.values ?? values;
  await comparison.step('upgrade', to(good));
  await compareFailure(one, comparison, { to, good });
  await comparison.history('history');
  await comparison.uninstallation();
}

async function compareRefusal(one: Refusal, comparison: Comparison): Promise<void> {
  const { helm, ours } = comparison;
  const [theirs, own] = await comparison.chart(complete('refused', one.files));
  const values = one.values ?? {};
  const install = [() => helm.install(theirs, values), () => ours.install(own, values)] as const;
  const failures = await comparison.step('install', install, { fails: true });
  comparison.meaning('install', failures, one.says);
  // It would be tried again and again.
  await ours.uninstall();
}

async function compare(
  o: Omit<ComparisonOptions, 'dir'>,
  run: (comparison: Comparison) => Promise<void>,
): Promise<void> {
  const comparison = await Comparison.start(bed, { ...o, dir: folder.path });
  try {
    await run(comparison);
    expect(comparison.finish()).toEqual([]);
  } finally {
    rows.push(comparison.row);
    await comparison.cleanUp();
  }
}

test('every difference on purpose is documented', async () => {
  const page = await readFile(
    join(import.meta.dirname, '../../../../docs/helm-differences.md'),
    'utf8',
  );
  const reasons = chartCases.flatMap(({ differs = {} }) => Object.values(differs));
  expect(reasons.filter((reason) => !page.includes(`| ${reason} |`))).toEqual([]);
});

describe.concurrent('the controller does as the helm CLI', () => {
  test.each(chartCases)('with $name', async (one) => {
    const { name, releaseName = name, options, recovery, tests, existing, differs } = one;
    await compare(
      { name, releaseName, options, recovery, tests, existing, differs },
      (comparison) => compareLife(one, comparison),
    );
  });

  test.each(refusals)('when it refuses $name', async (one) => {
    const { name, options, existing } = one;
    const id = name.replaceAll(/[^a-z]+/gi, '-').toLowerCase();
    const o = { name: id, releaseName: 'refused', options, existing, recovery: 'upgrade' as const };
    await compare(o, (comparison) => compareRefusal(one, comparison));
  });
});
