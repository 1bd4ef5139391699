import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { helmReleaseKind, type KindDefinition, kustomizationKind } from '@sluice/shared/api';
import { testFieldTable } from './field-table.ts';

const root = join(import.meta.dirname, '../../..');
const page = readFileSync(join(root, 'docs/development/applier-fields.md'), 'utf8');

for (const kind of [kustomizationKind, helmReleaseKind]) {
  testFieldTable(kind as KindDefinition, page, root);
}
