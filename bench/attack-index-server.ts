import { answerAll } from './attack-server.ts';

const bytes = 20 * 1024 * 1024;
const entry = (at: number) =>
  `  chart-${at}:\n  - apiVersion: v2\n    name: chart-${at}\n    version: 1.0.0\n    digest: ${'0'.repeat(64)}\n    urls: [chart-${at}-1.0.0.tgz]\n    description: ${'x'.repeat(200)}\n`;
const count = Math.floor(bytes / entry(10_000).length);
const entries = Array.from({ length: count }, (_, at) => entry(at)).join('');
const index = Buffer.from(`apiVersion: v1\nentries:\n${entries}`);

answerAll((response) => {
  response.writeHead(200, { 'content-type': 'text/yaml' }).end(index);
});
