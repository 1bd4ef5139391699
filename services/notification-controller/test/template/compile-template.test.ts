import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BudgetError } from '@sluice/shared/base';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileTemplate } from '../../src/template/compile-template.ts';
import { TemplateError } from '../../src/template/template-error.ts';
import { randomTemplates, refused, supported } from './cases.ts';
import { goData, ourData } from './data.ts';

const run = promisify(execFile);
const reference = join(import.meta.dirname, 'reference');
/** The first run compiles the libraries. */
const timeout = 10 * 60_000;

interface GoAnswer {
  parses: boolean;
  error?: string;
  text: string;
}

let folder: string;
let program: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'template-'));
  program = join(folder, 'reference');
  const env = { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOWORK: 'off' };
  await run('go', ['build', '-o', program, '.'], { cwd: reference, env });
}, timeout);
afterAll(() => rm(folder, { recursive: true, force: true }));

async function byGo(templates: readonly string[]): Promise<GoAnswer[]> {
  const running = run(program, { maxBuffer: 64 * 1024 * 1024 });
  running.child.stdin?.end(JSON.stringify({ Data: goData, Templates: templates }));
  return JSON.parse((await running).stdout);
}

/** What a template makes of the data; undefined when it is refused. */
function byUs(template: string): string | undefined {
  try {
    return compileTemplate(template).render(ourData);
  } catch (error) {
    if (error instanceof TemplateError) return undefined;
    throw error;
  }
}

function messageOf(template: string): string {
  try {
    return `makes ${compileTemplate(template).render(ourData)}`;
  } catch (error) {
    return error instanceof TemplateError ? error.message : `throws ${error}`;
  }
}

describe('a template', () => {
  test('makes what it makes in Go', async () => {
    const expected = await byGo(supported);
    const made = supported.map((template) => ({ template, text: byUs(template) }));
    expect(made).toEqual(
      supported.map((template, index) => ({
        template,
        text: expected[index]?.error ?? expected[index]?.text,
      })),
    );
  });

  test('is refused with the place where that is not supported or wrong', () => {
    const said = refused.map(([template]) => messageOf(template));
    expect(said).toEqual(refused.map(([, says]) => expect.stringContaining(says)));
  });

  test(
    'made of anything is refused, or makes what it makes in Go',
    async () => {
      const templates = randomTemplates(9_000);
      const expected = await byGo(templates);
      const differing = templates.flatMap((template, index) => {
        const text = byUs(template);
        const go = expected[index];
        return text === undefined || (go?.error === undefined && go?.text === text)
          ? []
          : [{ template, text, go }];
      });
      expect(differing.slice(0, 10)).toEqual([]);
      // Otherwise refusing everything would pass.
      const accepted = templates.filter((template) => byUs(template) !== undefined);
      expect(accepted.length).toBeGreaterThan(500);
    },
    timeout,
  );

  test('has a limit of steps, of what it makes on the way, and of its result', () => {
    const doubling = `{{ $x := "0123456789" }}${'{{ $x = print $x $x }}'.repeat(20)}`;
    const nested = `{{ range $.Event.Metadata }}`.repeat(9) + '{{ end }}'.repeat(9);
    const reading = `{{ $x := repeat 6000 "0123456789" }}${'{{ $y := sha256sum $x }}'.repeat(20)}`;
    const long = '{{ repeat 2000 "0123456789" }}'.repeat(4);
    for (const template of [doubling, nested, reading, long, '{{ repeat 1000000000 "a" }}']) {
      expect(() => compileTemplate(template).render(ourData), template).toThrow(BudgetError);
    }
  });

  test('reads no property that is not data', () => {
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
      expect(byUs(`{{ .${name} }}`)).toBeUndefined();
      expect(byUs(`{{ .Event.Metadata.${name} }}`)).toBe('<no value>');
      expect(byUs(`{{ ${name} 1 }}`)).toBe(name === 'toString' ? '1' : undefined);
    }
  });
});
