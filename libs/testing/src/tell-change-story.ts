import type { ChangeStoryOptions, ControlledKind, StoryOperation } from './change-story.ts';
import { startChangeStory } from './change-story.ts';

/**
 * Tells a story of operations, and ends it when something is in the cluster that nobody had allowed by then.
 *
 * @returns how many values the cluster has held
 * @throws Error that names the operation, and what it has led to
 */
export async function tellChangeStory<T extends ControlledKind>(
  o: ChangeStoryOptions<T>,
  { name, operations }: { name: string; operations: readonly StoryOperation[] },
): Promise<number> {
  const story = await startChangeStory(o, name);
  for (const operation of ['commit' as const, ...operations, 'open the window' as const]) {
    await story.run(operation);
    const violations = story.violations();
    if (violations.length > 0) throw new Error(`${operation} led to ${violations.join(', ')}`);
  }
  await story.stop();
  return new Set(story.values).size;
}
