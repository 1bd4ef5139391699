import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder, toolPath } from '@sluice/testing';
import { dump } from 'js-yaml';
import type { AlertRule } from '../../generate/monitoring/rule.ts';

const execute = promisify(execFile);

export type Labels = Record<string, string>;

/** One scenario of one alert. */
export interface RuleCase {
  alert: string;
  /** What happens, and so what is expected. */
  name: string;
  /** Samples a minute apart by series, in promtool's notation. */
  series: Record<string, string>;
  /** Minutes after the first sample. */
  at: number;
  /** Labels of the alerts that fire then, besides alertname, severity and controller; empty when none does. */
  fires: Labels[];
}

/** Writes a series in Prometheus' notation. */
export function series(name: string, labels: Labels): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  return `${name}{${pairs.join(',')}}`;
}

/** Runs promtool and returns what it printed, or what it complained about. */
export async function promtool(args: string[]): Promise<{ ok: boolean; output: string }> {
  try {
    const { stdout, stderr } = await execute(toolPath('promtool'), args);
    return { ok: true, output: stdout + stderr };
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    return { ok: false, output: stdout + stderr || String(error) };
  }
}

/** Plays scenarios against rules. Each rule is evaluated for its own scenarios only, which saves most of the time. */
export async function playRules(
  rules: readonly AlertRule[],
  cases: readonly RuleCase[],
): Promise<{ ok: boolean; output: string }> {
  const { path: folder, remove } = await temporaryFolder('rules');
  try {
    const files: string[] = [];
    for (const rule of rules) {
      const tests = cases.filter(({ alert }) => alert === rule.alert);
      const group = { name: 'tested', rules: [rule] };
      const played = { evaluation_interval: '1m', tests: tests.map((each) => testOf(each, rule)) };
      const rulesFile = join(folder, `${rule.alert}.yaml`);
      const testsFile = join(folder, `${rule.alert}.test.yaml`);
      await writeFile(rulesFile, dump({ groups: [group] }));
      await writeFile(testsFile, dump({ rule_files: [rulesFile], ...played }));
      files.push(testsFile);
    }
    return await promtool(['test', 'rules', ...files]);
  } finally {
    await remove();
  }
}

/** A scenario in the form of promtool. */
function testOf({ alert, name, series: given, at, fires }: RuleCase, rule: AlertRule) {
  const state = { alertname: alert, alertstate: 'firing' };
  return {
    name: `${alert}: ${name}`,
    interval: '1m',
    input_series: Object.entries(given).map(([key, values]) => ({ series: key, values })),
    promql_expr_test: [
      {
        expr: `ALERTS{alertname="${alert}",alertstate="firing"}`,
        eval_time: `${at}m`,
        exp_samples: fires.map((labels) => ({
          labels: series('ALERTS', { ...labels, ...rule.labels, ...state }),
          value: 1,
        })),
      },
    ],
  };
}
