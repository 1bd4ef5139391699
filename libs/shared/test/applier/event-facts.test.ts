import { eventFacts, maskedError } from '@sluice/shared/applier';
import { RetryableError, SecretMasker } from '@sluice/shared/base';
import { describe, expect, test } from 'vitest';

describe('facts of an event', () => {
  test('are the first failure in one line, and the changes', () => {
    expect(eventFacts({ firstFailure: 'Deployment/a/web:\nno', changes: 'a: .b\nc: .d' })).toEqual({
      'facts.sluice.dev/firstFailure': 'Deployment/a/web: no',
      'facts.sluice.dev/changes': 'a: .b\nc: .d',
    });
    expect(eventFacts({ firstFailure: undefined, changes: '' })).toEqual({});
  });

  test('have a limited length', () => {
    const facts = eventFacts({ firstFailure: '😀'.repeat(1000), changes: 'x'.repeat(5000) });
    const lengths = Object.values(facts).map((text) => text.length);
    // The first ends before half a character.
    expect(lengths).toEqual([499, 900]);
    expect(Object.values(facts).every((text) => text.isWellFormed())).toBe(true);
  });

  test('hold no secret when they come with an error', () => {
    const masker = new SecretMasker();
    masker.add('hunter2hunter2');
    const metadata = eventFacts({ firstFailure: 'Secret/a/b: hunter2hunter2' });
    const error = new RetryableError('Failed', 'hunter2hunter2', { metadata });
    const masked = maskedError({ masker }, error, { revision: 'r' });
    expect(JSON.stringify({ ...masked, message: masked.message })).not.toContain('hunter2');
    expect(masked.metadata).toMatchObject({ revision: 'r' });
  });
});
