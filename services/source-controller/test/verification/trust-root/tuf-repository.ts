import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Key,
  Metadata,
  MetaFile,
  Root,
  Signature,
  Snapshot,
  TargetFile,
  Targets,
  Timestamp,
} from '@tufjs/models';

interface Signer {
  key: Key;
  sign(data: Buffer): Signature;
}

/** What goes wrong with what a repository publishes. */
export interface Flaws {
  /** When the timestamp stops to count. */
  expires?: string;
  /** Signs the timestamp with a key that the root does not name. */
  isForged?: boolean;
  /** Name of the one file. */
  target?: string;
  /** What is sent in place of the content. */
  sent?: string;
}

/** A repository of TUF on the loopback address, with keys of its own. */
export interface TufRepository {
  url: string;
  /** Metadata of the root as it was first. */
  firstRoot: string;
  /** Names of the files that were asked for. */
  requests: string[];
  /** What is served, by name; to be replaced by what is hostile. */
  files: Map<string, Buffer>;
  /** Publishes a trust root. */
  publish(content: string, flaws?: Flaws): void;
  /** Replaces all keys; what is published next is signed by the new ones. */
  rotate(): void;
  /** False: connections are cut. */
  isUp: boolean;
  stop(): Promise<void>;
}

const roles = ['root', 'targets', 'snapshot', 'timestamp'];
const specVersion = '1.0.31';
const far = '2999-01-01T00:00:00Z';
const digestOf = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');

function createSigner(): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const keyID = randomBytes(32).toString('hex');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const keyVal = { public: raw.toString('hex') };
  return {
    key: new Key({ keyID, keyType: 'ed25519', scheme: 'ed25519', keyVal }),
    sign: (data) => new Signature({ keyID, sig: sign(null, data, privateKey).toString('hex') }),
  };
}

function rootOf(version: number, signer: Signer, before: Signer[]): Buffer {
  const root = new Root({ version, specVersion, expires: far, consistentSnapshot: true });
  for (const role of roles) root.addKey(signer.key, role);
  return encode(new Metadata(root), [...before, signer]);
}

type Signed = Root | Targets | Snapshot | Timestamp;

function encode(metadata: Metadata<Signed>, signers: Signer[]): Buffer {
  for (const { sign: signBytes } of signers) metadata.sign(signBytes);
  return Buffer.from(JSON.stringify(metadata.toJSON()));
}

export async function startTufRepository(): Promise<TufRepository> {
  let signer = createSigner();
  let rootVersion = 1;
  let version = 0;
  const files = new Map<string, Buffer>();
  const requests: string[] = [];
  const firstRoot = rootOf(rootVersion, signer, []).toString();
  const server = createServer((request, response) => {
    if (!repository.isUp) {
      request.socket.destroy();
      return;
    }
    const name = (request.url ?? '').slice(1);
    requests.push(name);
    const content = files.get(name);
    response.writeHead(content === undefined ? 404 : 200).end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const repository: TufRepository = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    firstRoot,
    requests,
    files,
    isUp: true,
    publish(content, { expires = far, isForged, target = 'trusted_root.json', sent } = {}) {
      version++;
      const common = { version, specVersion, expires: far };
      const hash = digestOf(content);
      const targets = new Targets(common);
      const length = Buffer.byteLength(content);
      targets.addTarget(new TargetFile({ path: target, length, hashes: { sha256: hash } }));
      const file = () => new MetaFile({ version });
      const snapshot = new Snapshot({ ...common, meta: { 'targets.json': file() } });
      const timestamp = new Timestamp({ ...common, expires, snapshotMeta: file() });
      const by = isForged ? { ...createSigner(), key: signer.key } : signer;
      files.set(`targets/${hash}.${target}`, Buffer.from(sent ?? content));
      files.set(`${version}.targets.json`, encode(new Metadata(targets), [signer]));
      files.set(`${version}.snapshot.json`, encode(new Metadata(snapshot), [signer]));
      files.set('timestamp.json', encode(new Metadata(timestamp), [by]));
    },
    rotate() {
      const next = createSigner();
      rootVersion++;
      files.set(`${rootVersion}.root.json`, rootOf(rootVersion, next, [signer]));
      signer = next;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return repository;
}
