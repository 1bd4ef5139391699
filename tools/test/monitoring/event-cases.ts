import { running, scraped } from './process-cases.ts';
import { type Labels, type RuleCase, series } from './promtool.ts';

type Given = (metric: string, values: string) => Record<string, string>;

/** The scenarios of the rules about the events that every controller hands over. */
export function eventCases(controller: string): RuleCase[] {
  const labels = scraped(controller);
  const given: Given = (metric, values) => ({
    ...running(controller),
    [series(metric, labels)]: values,
  });
  return [...outboxCases(given, [labels]), ...natsCases(given, [labels], running(controller))];
}

function outboxCases(given: Given, fires: Labels[]): RuleCase[] {
  return [
    {
      alert: 'SluiceEventsWaiting',
      name: 'an event waits for twenty minutes',
      series: given('sluice_outbox_oldest_seconds', '0+60x60'),
      at: 22,
      fires,
    },
    {
      alert: 'SluiceEventsWaiting',
      name: 'silent when nothing waits',
      series: given('sluice_outbox_oldest_seconds', '0x60'),
      at: 22,
      fires: [],
    },
    {
      alert: 'SluiceOutboxGrowing',
      name: 'events come in and none goes out',
      series: given('sluice_outbox_depth', '0x30 0+5x60'),
      at: 80,
      fires,
    },
    {
      alert: 'SluiceOutboxGrowing',
      name: 'silent while a backlog shrinks',
      series: given('sluice_outbox_depth', '900-10x80'),
      at: 80,
      fires: [],
    },
    {
      alert: 'SluiceEventsDropped',
      name: 'the outbox overflowed',
      series: given('sluice_outbox_dropped_total', '0x10 7x60'),
      at: 15,
      fires,
    },
    {
      alert: 'SluiceEventsDropped',
      name: 'silent an hour after the last one',
      series: given('sluice_outbox_dropped_total', '0x10 7x120'),
      at: 80,
      fires: [],
    },
    {
      alert: 'SluiceEventsRefused',
      name: 'events were refused for good',
      series: given('sluice_outbox_dead_letters_total', '0x10 2x60'),
      at: 15,
      fires,
    },
    {
      alert: 'SluiceEventsRefused',
      name: 'silent an hour after the last one',
      series: given('sluice_outbox_dead_letters_total', '0x10 2x120'),
      at: 80,
      fires: [],
    },
  ];
}

function natsCases(given: Given, fires: Labels[], without: Record<string, string>): RuleCase[] {
  return [
    {
      alert: 'SluiceNatsUnreachable',
      name: 'the connection is gone',
      series: given('sluice_nats_connected', '1x5 0x30'),
      at: 15,
      fires,
    },
    {
      alert: 'SluiceNatsUnreachable',
      name: 'silent after a reconnect',
      series: given('sluice_nats_connected', '1x5 0x2 1x30'),
      at: 15,
      fires: [],
    },
    {
      alert: 'SluiceNatsUnreachable',
      name: 'silent without NATS',
      series: without,
      at: 15,
      fires: [],
    },
  ];
}
