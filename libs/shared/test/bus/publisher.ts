// A process that publishes events until it is killed: node publisher.ts <nats url> <prefix> <outbox folder>.
// It prints the number of each event once the sink holds it.
import { silentLogger } from '@sluice/shared/base';
import { connectBus, createBusEventSink } from '@sluice/shared/bus';
import { eventOf } from './helpers.ts';

const [url = '', prefix = '', dir = ''] = process.argv.slice(2);
const bus = connectBus({ url, prefix, name: 'publisher', owns: [], logger: silentLogger });
const sink = createBusEventSink(bus, { dir, logger: silentLogger });
for (let number = 0; ; number++) {
  await sink.publish(eventOf(`event ${number}`));
  process.stdout.write(`${number}\n`);
}
