import { mapConcurrently } from '@sluice/shared/base';
import {
  type Bus,
  decodeToken,
  removeMessage,
  type StoredMessage,
  type StreamUse,
  storedMessages,
  streamUse,
} from '@sluice/shared/bus';
import { type Delivery, isDelivery } from './delivery.ts';

export interface RoomOptions {
  bus: Bus;
  /** Gives up a delivery. */
  crowdOut: (delivery: Delivery) => Promise<void>;
  /** In place of the namespace, in subjects of what waits for its time; the namespace is in place of the Provider. */
  timerLanes: string;
  signal: AbortSignal;
}

/** Parts of the stream: above the one room is made, down to the other. */
const crowdedShare = 0.75;
const roomyShare = 0.65;
/** Messages of a subject by which its size is told, and subjects that are asked about at a time. */
const samples = 5;
const asked = 8;
/** Deliveries that are given up between two looks at who has the most. */
const maxBatch = 200;
const maxBatchBytes = 4 * 1024 * 1024;
const atATime = 16;

/** The deliveries that wait for one Provider. */
interface Queue {
  subject: string;
  namespace: string;
  bytes: number;
}

/** Whether room has to be made before the stream refuses deliveries of everybody. */
export function isCrowded({ bytes, maxBytes }: StreamUse): boolean {
  return maxBytes > 0 && bytes > maxBytes * crowdedShare;
}

/**
 * Gives up the oldest deliveries of whoever has the most of them: of the namespace, and in it of the Provider, so that
 * a service that is away, or many of one tenant, leave room to the others. Nothing happens while there is room.
 *
 * @throws Error when that cannot be done now; what was given up is
 */
export async function makeRoom(o: RoomOptions): Promise<void> {
  const use = await streamUse(o.bus, 'deliveries', o.signal);
  if (!isCrowded(use)) return;
  const queues = await queuesOf(use, o);
  let excess = use.bytes - use.maxBytes * roomyShare;
  while (excess > 0 && !o.signal.aborted) {
    const largest = largestOf(queues);
    if (largest === undefined) return;
    const freed = await dropOldest(largest, excess, o);
    largest.bytes = freed === 0 ? 0 : Math.max(0, largest.bytes - freed);
    excess -= freed;
  }
}

async function queuesOf(use: StreamUse, o: RoomOptions): Promise<Queue[]> {
  return mapConcurrently([...use.subjects], asked, async ([subject, count]) => {
    const [first = '', second = ''] = subject.split('.').slice(-2);
    const namespace = decodeToken(first === o.timerLanes ? second : first);
    return { subject, namespace, bytes: count * (await meanSize(subject, use, o)) };
  });
}

/** Of some messages anywhere in the stream, since the oldest may be smaller than all others. */
async function meanSize(subject: string, use: StreamUse, o: RoomOptions): Promise<number> {
  const sizes: number[] = [];
  for (let sample = 0; sample < samples; sample++) {
    const from =
      sample === 0 ? use.first : use.first + Math.floor(Math.random() * (use.last - use.first));
    const { bus, signal } = o;
    const messages = { stream: 'deliveries', subject, from, to: use.last, signal } as const;
    for await (const { bytes } of storedMessages(bus, messages)) {
      sizes.push(bytes);
      break;
    }
  }
  return sizes.reduce((sum, size) => sum + size, 0) / Math.max(1, sizes.length);
}

function largestOf(queues: readonly Queue[]): Queue | undefined {
  const namespaces = new Map<string, number>();
  for (const { namespace, bytes } of queues) {
    namespaces.set(namespace, (namespaces.get(namespace) ?? 0) + bytes);
  }
  const weight = ({ namespace, bytes }: Queue) => [namespaces.get(namespace) ?? 0, bytes] as const;
  const [largest] = queues
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => weight(b)[0] - weight(a)[0] || weight(b)[1] - weight(a)[1]);
  return largest;
}

/** Returns the bytes that are free then. */
async function dropOldest({ subject }: Queue, excess: number, o: RoomOptions): Promise<number> {
  const { bus, signal } = o;
  const oldest: StoredMessage[] = [];
  let bytes = 0;
  for await (const message of storedMessages(bus, { stream: 'deliveries', subject, signal })) {
    oldest.push(message);
    bytes += message.bytes;
    if (bytes >= Math.min(excess, maxBatchBytes) || oldest.length === maxBatch) break;
  }
  await mapConcurrently(oldest, atATime, async ({ data, sequence }) => {
    if (isDelivery(data)) await o.crowdOut(data);
    await removeMessage(bus, 'deliveries', sequence);
  });
  return bytes;
}
