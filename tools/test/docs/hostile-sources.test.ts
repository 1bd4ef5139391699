import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bare, rowsBelow } from './field-table.ts';

const root = join(import.meta.dirname, '../../..');
const page = readFileSync(join(root, 'docs/security/hostile-sources.md'), 'utf8');
const errors = readFileSync(join(root, 'docs/errors.md'), 'utf8');

const services = {
  GitRepository: 'source-controller',
  OCIRepository: 'source-controller',
  'HelmRepository and HelmChart': 'source-controller',
  Bucket: 'source-controller',
  ArtifactGenerator: 'source-watcher',
  Signatures: 'source-controller',
};

const rows = Object.entries(services).flatMap(([heading, service]) =>
  rowsBelow(page, `## ${heading}`).map((cells) => ({ heading, service, cells })),
);

test.each(Object.keys(services))('there are hostile inputs of %s', (heading) => {
  expect(rows.some((row) => row.heading === heading)).toBe(true);
});

test('each hostile input has a test that exists', () => {
  const wrong = rows.filter(({ service, cells }) => {
    const [, file = '', name = ''] = /^`([^`]+)`: (.+)$/.exec(cells[2] ?? '') ?? [];
    const path = join(root, 'services', service, 'test', file);
    return name === '' || !existsSync(path) || !readFileSync(path, 'utf8').includes(name);
  });
  expect(wrong).toEqual([]);
});

test('each reason is one of those in the list of errors', () => {
  const reasons = rows.map(({ cells }) => bare(cells[0]));
  const unknown = reasons.filter(
    (reason) => reason !== 'none' && !errors.includes(`\`${reason}\``),
  );
  expect(unknown).toEqual([]);
});
