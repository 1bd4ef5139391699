// A program in the protocol of the pool, which does what each request says.
import { readSync, writeSync } from 'node:fs';

function read() {
  const head = readFully(4);
  if (head === undefined) process.exit(0);
  return JSON.parse(readFully(head.readUInt32BE(0)).toString());
}

function readFully(length) {
  const body = Buffer.alloc(length);
  let at = 0;
  while (at < length) {
    const count = readSync(0, body, at, length - at, null);
    if (count === 0) return undefined;
    at += count;
  }
  return body;
}

function write(value) {
  const body = Buffer.from(JSON.stringify(value));
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  writeSync(1, Buffer.concat([head, body]));
}

const kept = [];
const deeds = {
  echo: ({ value }) => ({ value, pid: process.pid, env: Object.keys(process.env) }),
  ask({ method, params }) {
    write({ question: { method, params } });
    return read();
  },
  spin() {
    for (;;);
  },
  grow() {
    for (;;) kept.push(Buffer.alloc(1 << 20, 1));
  },
  shout: ({ bytes }) => 'x'.repeat(bytes),
  crash: () => process.exit(7),
  babble: () => writeSync(1, Buffer.from([0, 0, 0, 1, 0x7b])),
};

write({ ready: { version: 'v1.2.3' } });
for (;;) {
  const { request } = read();
  if (request.deed === 'refuse')
    write({ error: { kind: 'yaml', message: 'a.yaml:3: no map', details: { line: 3 } } });
  else write({ result: deeds[request.deed](request) });
}
