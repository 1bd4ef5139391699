import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  bucketKind,
  gitRepositoryKind,
  helmChartKind,
  helmRepositoryKind,
  type KindDefinition,
  ociRepositoryKind,
} from '@sluice/shared/api';
import { testFieldTable } from './field-table.ts';

const root = join(import.meta.dirname, '../../..');
const page = readFileSync(join(root, 'docs/development/source-fields.md'), 'utf8');

const kinds = [ociRepositoryKind, helmRepositoryKind, helmChartKind, bucketKind, gitRepositoryKind];

for (const kind of kinds) {
  testFieldTable(kind as KindDefinition, page, join(root, 'services/source-controller/test'));
}
