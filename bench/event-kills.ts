// npm run bench -- event-kills [--kills 50] [--events 5000] [--rate 50] [--seed 1] [--replicas 1] [--only KIND]: SIGKILL
// for notification-controller, for the NATS server and for both, at random points while events flow, and what became of
// the events.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { receiveWebhooks } from '@sluice/testing';
import {
  runEventKills,
  seededRandom,
} from '../services/notification-controller/test/event-kills.ts';
import { namespace, withAlerting } from './alerting.ts';
import { argument } from './setup.ts';

const kills = Number(argument('kills', '50'));
const events = Number(argument('events', '5000'));
const seed = Number(argument('seed', '1'));
const replicas = Number(argument('replicas', '1'));
/** Events a second. */
const rate = Number(argument('rate', '50'));
/** `controller`, `nats` or `both`: nothing else is killed. */
const only = argument('only', '') as 'controller' | 'nats' | 'both' | '';
/** Longest time from the return of what was killed to the next kill, in which its share of the events is published. */
const maxDelayMs = (events * 1000) / rate / Math.max(1, kills);

await withAlerting(async ({ nats, bus, dir, alert, controller }) => {
  const random = seededRandom(seed);
  const service = await receiveWebhooks();
  await alert('service', service.url);
  const controllers = [];
  for (let i = 0; i < replicas; i++) controllers.push(await controller());
  const result = await runEventKills({
    bus,
    dir: join(dir, 'publisher'),
    namespace,
    provider: 'service',
    service,
    controllers: controllers.map(({ processes }) => processes['notification-controller']),
    nats,
    kills,
    events,
    random,
    ...(only !== '' && { kinds: [only] }),
    pace: () => delay(1000 / rate),
    moment: async () => {
      await delay(random() * maxDelayMs);
    },
  });
  await service.close();
  const { controller: c, nats: n, both } = result.kills;
  console.log(`kills: ${kills} (controller ${c}, NATS ${n}, both ${both}), seed ${seed}`);
  console.log(
    `events: ${events}; delivered ${result.delivered}, dead-lettered ${result.deadLettered}, lost ${result.lost.length}`,
  );
  console.log(
    `duplicates: ${result.duplicates} (${((100 * result.duplicates) / events).toFixed(3)} %)`,
  );
});
