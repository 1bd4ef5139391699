import type { Readable } from 'node:stream';

/** What a server says first: its list of capabilities, and in older versions of the protocol all references. */
export interface Advertisement {
  /** Address of the repository, which may have moved. */
  base: string;
  headers: Record<string, string>;
  body: Buffer;
}

/** The beginning of what a server answers. */
export interface Answer {
  url: string;
  headers: Record<string, string>;
  body: Readable;
}

/** A request for an advertisement. */
export interface Discover {
  /** As isomorphic-git wants it sent to a web server. */
  url: string;
  headers: Record<string, string>;
  maxBytes: number;
  /** Called once, when the answer turns out to be large. */
  onLarge: () => Promise<void>;
}

/** A request after the advertisement. */
export interface Exchange {
  /** Address of the repository, as far as it is known. */
  base: string;
  headers: Record<string, string>;
  body: Buffer;
}

/** How a web server begins its advertisement. */
export const serviceBanner = '001e# service=git-upload-pack\n0000';

/** Carries the requests of Git's smart protocol to one repository. */
export interface GitTransport {
  /** Address of the repository, without credentials. */
  readonly url: URL;
  /** Whether a request can be sent to a server that was not asked for its advertisement before. */
  readonly isStateless: boolean;
  /** Asks for the advertisement. @throws HttpError, or ProtocolError */
  discover(request: Discover): Promise<Advertisement>;
  /** Sends a request after the advertisement. @throws HttpError, or ProtocolError */
  exchange(request: Exchange): Promise<Answer>;
  /** Ends the connection, if it is this one's alone. */
  close(): void;
}
