import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { programsDir } from '../../provision/catalogue.ts';

const run = promisify(execFile);
const programs = readdirSync(programsDir).map((name) => ({ name }));
// The first run compiles the libraries that the tests of a program need.
const timeout = 20 * 60_000;

test.each(programs)('the Go tests of $name pass', { timeout }, async ({ name }) => {
  const env = { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOWORK: 'off' };
  const o = { cwd: join(programsDir, name), env, maxBuffer: 64 * 1024 * 1024 };
  // `npm run check` vets, and what the tests would vet is less of the same.
  const { stdout } = await run('go', ['test', '-vet=off', './...'], o).catch((error) => {
    throw new Error(`${error.stdout}\n${error.stderr}`);
  });
  expect(stdout).toContain('ok');
});
