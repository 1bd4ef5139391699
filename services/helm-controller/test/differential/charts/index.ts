import type { ChartCase } from './case.ts';
import { documents } from './documents.ts';
import { hooks } from './hooks.ts';
import { lifecycle } from './lifecycle.ts';
import { structure } from './structure.ts';
import { templates } from './templates.ts';
import { unknownFields } from './unknown-fields.ts';

/** All charts that are released; those that take longest first. */
export const chartCases: readonly ChartCase[] = [
  ...hooks,
  ...lifecycle,
  ...documents,
  ...structure,
  ...templates,
  ...unknownFields,
];
