import { createArtifactArchive } from '@sluice/shared/service';
import { describe, expect, it } from 'vitest';

describe('createArtifactArchive', () => {
  it('makes none for the filesystem', () => {
    expect(createArtifactArchive('filesystem', undefined)).toBeUndefined();
  });

  it('needs a NATS server for the other one', () => {
    expect(() => createArtifactArchive('nats', undefined)).toThrow('set --nats-url');
  });
});
