import type { FluxEvent } from '@sluice/shared/api';
import { describe, expect, test } from 'vitest';
import { isRecovery, recoversFrom } from '../../src/incident/recovery.ts';
import { eventOf } from '../objects.ts';

const info = (reason: string, change: Partial<FluxEvent> = {}) => eventOf({ reason, ...change });

describe('an event ends a failure', () => {
  test.each([
    { reason: 'ReconciliationSucceeded', failed: 'HealthCheckFailed', want: true },
    { reason: 'ReconciliationSucceeded', failed: 'BuildFailed', want: true },
    { reason: 'Progressing', failed: 'BuildFailed', want: false },
    { reason: 'DependencyNotReady', failed: 'BuildFailed', want: false },
    { reason: 'NewArtifact', failed: 'GitOperationFailed', want: true },
    { reason: 'Succeeded', failed: 'AuthenticationFailed', want: true },
    { reason: 'ChartPullSucceeded', failed: 'ChartPullError', want: true },
    { reason: 'UpgradeSucceeded', failed: 'UpgradeFailed', want: true },
    { reason: 'InstallSucceeded', failed: 'ArtifactFailed', want: true },
    { reason: 'UpgradeSucceeded', failed: 'TestFailed', want: false },
    { reason: 'TestSucceeded', failed: 'TestFailed', want: true },
    { reason: 'TestSucceeded', failed: 'UpgradeFailed', want: true },
    { reason: 'RollbackSucceeded', failed: 'UpgradeFailed', want: false },
    { reason: 'UninstallSucceeded', failed: 'InstallFailed', want: false },
    { reason: 'DriftCorrected', failed: 'UpgradeFailed', want: false },
  ])('$reason of $failed: $want', ({ reason, failed, want }) => {
    expect(recoversFrom(info(reason), failed)).toBe(want);
  });

  test('never by an error or a trace', () => {
    for (const severity of ['error', 'trace'] as const) {
      expect(isRecovery(info('ReconciliationSucceeded', { severity }))).toBe(false);
    }
  });
});
