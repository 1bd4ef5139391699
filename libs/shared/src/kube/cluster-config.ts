import type { Identity } from './types.ts';

/** What a TLS connection to the API server needs. */
export interface TlsMaterial {
  ca?: string;
  cert?: string;
  key?: string;
  /** Name in the server's certificate when it differs from the host. */
  servername?: string;
  rejectUnauthorized: boolean;
}

/** Proves who the client is, request by request. */
export interface Credentials {
  /** Headers of a request; read anew when they may have expired. */
  headers(): Promise<Record<string, string>>;
  /** Forgets what the server refused with 401; false when a new attempt would send the same. */
  refresh(): boolean;
}

/** How to reach one API server. Printing or serialising it shows no credentials. */
export interface ClusterConfig {
  /** Address without a trailing slash. */
  server: string;
  /** Namespace of the context. */
  namespace?: string;
  /** Whom the kubeconfig says to act as. */
  impersonate?: Identity;
  credentials: Credentials;
  /** Read for every new connection, so that rotated files count. */
  tls(): Promise<TlsMaterial>;
}

/** A kubeconfig cannot be used; the message names the field and the fix, never a value. */
export class KubeConfigError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'KubeConfigError';
  }
}
