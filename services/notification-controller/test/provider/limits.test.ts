import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProviderType } from '../../src/provider/adapter.ts';
import { knownTypes } from '../../src/provider/adapters.ts';
import { eventOf } from '../objects.ts';
import { providerCases } from './cases/index.ts';
import { type Bed, startBed } from './contract.ts';

/** What a service takes, by its documentation; sizes of what was sent, each with its limit. */
type Sizes = (body: string) => [size: number, limit: number][];

const bytes = (body: string) => Buffer.byteLength(body);
const lengths = (texts: string[]) => texts.reduce((sum, text) => sum + text.length, 0);
const longest = (texts: string[]) => Math.max(0, ...texts.map((text) => text.length));
type Json = Record<string, unknown>;
const json = (body: string): Json => JSON.parse(body);
const text = (body: string, key: string) => String(json(body)[key]);
const list = (value: unknown) => (Array.isArray(value) ? value : []) as Json[];
const first = (value: unknown) => list(value)[0] ?? {};
/** MarkdownV2 is read before its text is measured. */
const unescaped = (value: string) => value.replace(/\\(.)/g, '$1').replace(/\*/g, '');

const description: Sizes = (body) => [[text(body, 'description').length, 255]];
/** The services that take what an event can hold, or name no limit. */
const unlimited: ProviderType[] = [
  'alertmanager',
  'generic',
  'generic-hmac',
  'googlepubsub',
  'otel',
];

const limits: Partial<Record<ProviderType, Sizes>> = {
  azuredevops: (body) => [[text(body, 'description').length, 255]],
  azureeventhub: (body) => [[bytes(body), 256 * 1024]],
  bitbucket: (body) => [...description(body), [text(body, 'name').length, 255]],
  bitbucketserver: (body) => [...description(body), [text(body, 'name').length, 255]],
  datadog: (body) => [
    [text(body, 'text').length, 4_000],
    [text(body, 'title').length, 500],
    [longest(json(body)['tags'] as unknown as string[]), 200],
  ],
  discord: (body) => {
    const embed = first(json(body)['attachments']);
    const fields = list(embed['fields']);
    const all = fields.flatMap(({ title, value }) => [String(title), String(value)]);
    const author = String(embed['author_name']);
    return [
      [lengths([...all, author, String(embed['text'])]), 6_000],
      [longest(fields.map(({ title }) => String(title))), 256],
      [longest(fields.map(({ value }) => String(value))), 1_024],
      [fields.length, 25],
      [author.length, 256],
    ];
  },
  gitea: description,
  giteapullrequestcomment: (body) => [[text(body, 'body').length, 65_535]],
  github: (body) => [[text(body, 'description').length, 140]],
  githubdispatch: (body) => [[bytes(JSON.stringify(json(body)['client_payload'])), 65_535]],
  githubpullrequestcomment: (body) => [[text(body, 'body').length, 65_536]],
  gitlab: description,
  gitlabmergerequestcomment: (body) => [[text(body, 'body').length, 1_000_000]],
  googlechat: (body) => [[bytes(body), 32_000]],
  grafana: (body) => [
    [longest((json(body)['tags'] as unknown as string[]).flatMap((tag) => tag.split(': '))), 100],
  ],
  'incident.io': (body) => [[text(body, 'description').length, 50_000]],
  lark: (body) => [[bytes(body), 20 * 1024]],
  matrix: (body) => [[bytes(JSON.stringify(json(body))), 65_536]],
  msteams: (body) => [[bytes(body), 28 * 1024]],
  opsgenie: (body) => [
    [text(body, 'message').length, 130],
    [text(body, 'description').length, 15_000],
    [lengths(Object.entries(json(body)['details'] ?? {}).flat() as string[]), 8_000],
  ],
  pagerduty: (body) => [[bytes(body), 512 * 1024]],
  rocket: (body) => {
    const attachment = first(json(body)['attachments']);
    return [[String(attachment['text']).length, 5_000]];
  },
  sentry: (body) => {
    const item = json(body.trim().split('\n').at(-1) ?? '');
    const tags = Object.values(item['tags'] ?? {}) as string[];
    return [
      [String(item['message']).length, 8_192],
      [longest(tags), 200],
      [bytes(body), 1_000_000],
    ];
  },
  slack: (body) => {
    const attachment = first(json(body)['attachments']);
    return [[String(attachment['text']).length, 40_000]];
  },
  telegram: (body) => [[unescaped(text(body, 'text')).length, 4_096]],
  webex: (body) => [[bytes(text(body, 'markdown')), 7_439]],
  zoom: (body) => [[longest(texts(json(body)['content'])), 4_000]],
  zulip: (body) => [
    [new URLSearchParams(body).get('content')?.length ?? 0, 10_000],
    [new URLSearchParams(body).get('topic')?.length ?? 0, 60],
  ],
};

function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
}

/** As long as an event may be, in what takes most room once it is escaped. */
const metadata = Object.fromEntries(
  Array.from({ length: 250 }, (_, n) => [
    `key-${n}-${'k'.repeat(200)}`,
    `<"ä💣${'v"<'.repeat(200)}`,
  ]),
);
const huge = {
  involvedObject: {
    ...eventOf().involvedObject,
    name: `n${'a'.repeat(252)}`,
    namespace: 'n'.repeat(63),
  },
  message: `<"ä\n💣*_`.repeat(7_000),
  reason: 'ReasonThatIsLong'.repeat(60),
  severity: 'error' as const,
};

let bed: Bed;

beforeAll(async () => {
  bed = await startBed(providerCases.flatMap(({ host }) => host ?? []));
});
afterAll(() => bed.close());

test('every type that speaks HTTP is measured, or named as one without a limit', () => {
  expect([...Object.keys(limits), ...unlimited, 'nats'].sort()).toEqual([...knownTypes]);
});

test.each(providerCases.filter(({ type }) => limits[type] !== undefined))(
  'a provider of type $type gets what it takes of the largest event',
  async (given) => {
    const event = {
      ...huge,
      // Its server answers for this object only.
      ...(given.type === 'bitbucket' && { involvedObject: eventOf().involvedObject }),
      metadata: { ...metadata, ...given.event?.metadata },
    };
    await bed.deliver(given, { event });
    const sent = bed.requests().filter(({ method, body }) => method !== 'GET' && body !== '');
    const sizes = sent.flatMap(({ body }) => limits[given.type]?.(body) ?? []);
    expect(sizes).not.toEqual([]);
    expect(sizes.filter(([size, limit]) => !(size <= limit))).toEqual([]);
  },
);
