import type { KubeObject } from '@sluice/shared/api';
import { computeHealth, type HealthStatus } from '@sluice/shared/engine';
import { expect } from 'vitest';

/** The time at which health is computed. */
const now = Date.parse('2026-01-01T00:01:00Z');

export interface Case {
  name: string;
  apiVersion?: string;
  kind?: string;
  metadata?: object;
  spec?: object;
  status?: object;
  health: HealthStatus;
  message?: string;
}

/** Checks a case; what it does not say comes from the defaults. */
export function check({ name: _, health, message, ...fields }: Case, defaults: Partial<Case> = {}) {
  const metadata = { name: 'x', ...defaults.metadata, ...fields.metadata };
  const object = { apiVersion: 'example.com/v1', kind: 'Thing', ...defaults, ...fields, metadata };
  const result = computeHealth(object as KubeObject, now);
  expect(result.status).toBe(health);
  if (message !== undefined) expect(result.message).toBe(message);
}

export function condition(type: string, status: string, reason = 'Because', message = 'words') {
  return { type, status, reason, message };
}
