import type { PhaseStory } from './phase-story.ts';

/** A phase of change control, in which a controller is killed; another one goes on. */
export interface KilledPhase {
  /** Names the object. */
  name: string;
  when: string;
  tell(story: PhaseStory): Promise<void>;
}

/** Time in which a Window holds a change, in milliseconds; within it, that is seen and the controller is killed. */
const heldMs = 20_000;

/** Phases that both kinds have. Each ends with the newest revision applied, by one decision at most. */
export const killedPhases: readonly KilledPhase[] = [
  {
    name: 'comparing',
    when: 'while a change is compared with the cluster',
    async tell(story) {
      await story.begin();
      const dead = story.dieAt({
        call: `PATCH configmaps/${story.of('a')}`,
        dryRun: true,
        moment: 'before',
      });
      await story.commit();
      await dead;
      await story.revive();
      await story.approve(await story.held());
    },
  },
  {
    name: 'planned',
    when: 'between the Plan and the status that refers to it',
    async tell(story) {
      await story.begin();
      const dead = story.dieAt({ call: `PATCH plans/${story.planName}`, moment: 'after' });
      await story.commit();
      await dead;
      await story.revive();
      await story.approve(await story.held());
    },
  },
  {
    name: 'returned',
    when: 'between the Plan and the status that refers to it, when the source is as before again',
    async tell(story) {
      await story.begin();
      const dead = story.dieAt({ call: `PATCH plans/${story.planName}`, moment: 'after' });
      await story.commit();
      await dead;
      await story.commit({ as: 1 });
      await story.revive();
    },
  },
  {
    name: 'admitted',
    when: 'after an approval is recorded and before the status says so',
    async tell(story) {
      await story.begin();
      await story.commit();
      const digest = await story.held();
      const dead = story.dieAt({
        call: `PATCH ${story.resource}/status`,
        holding: `"plan":"${digest}"`,
        moment: 'before',
      });
      await story.approve(digest);
      await dead;
      await story.revive();
    },
  },
  {
    name: 'withdrawn',
    when: 'after the Plan of an approved change is gone, before a Window closes',
    async tell(story) {
      await story.begin();
      await story.commit();
      const digest = await story.held();
      const dead = story.dieAt({ call: `DELETE plans/${story.planName}`, moment: 'after' });
      await story.approve(digest);
      await dead;
      await story.close();
      await story.revive();
      await story.held('Window');
      await story.hasPlan(digest);
      await story.open();
    },
  },
  {
    name: 'applying',
    when: 'when some objects of an approved change are written and others are not',
    async tell(story) {
      await story.begin();
      await story.commit();
      const digest = await story.held();
      const dead = story.dieAt({ call: `PATCH configmaps/${story.of('a')}`, moment: 'after' });
      await story.approve(digest);
      await dead;
      await story.holds('a', 2);
      await story.holds('c', 1);
      await story.revive();
    },
  },
  {
    name: 'pruning',
    when: 'when some objects of an approved deletion are gone and others are not',
    async tell(story) {
      await story.begin({ policy: { pruneGuard: { maxObjects: 1 } } });
      await story.commit({ present: ['a'] });
      const digest = await story.held('PruneGuard');
      const dead = story.dieAt({
        call: new RegExp(`^DELETE configmaps/${story.of('[bc]')}$`),
        moment: 'after',
      });
      await story.approve(digest);
      await dead;
      await story.revive();
    },
  },
  {
    name: 'closed',
    when: 'while an approved change waits for the end of a Window',
    async tell(story) {
      await story.begin();
      await story.close(Date.now() + heldMs);
      await story.commit();
      await story.approve(await story.held());
      await story.held('Window');
      await story.kill();
      await story.holds('a', 1);
      await story.revive();
    },
  },
  {
    name: 'drifted',
    when: 'before drift is corrected while a change waits',
    async tell(story) {
      await story.begin();
      await story.commit();
      const digest = await story.held();
      const dead = story.dieAt({ call: `PATCH configmaps/${story.of('a')}`, moment: 'before' });
      await story.edit('a');
      await dead;
      await story.revive();
      await story.holds('a', 1);
      await story.approve(digest);
    },
  },
  {
    name: 'overridden',
    when: 'after an override is seen and before it is recorded',
    async tell(story) {
      await story.begin();
      await story.commit();
      const digest = await story.held();
      const dead = story.dieAt({
        call: `PATCH configmaps/${story.of('a')}`,
        dryRun: true,
        moment: 'before',
      });
      await story.override(digest);
      await dead;
      await story.revive();
    },
  },
];
