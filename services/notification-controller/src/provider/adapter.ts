import type { FluxEvent, ProviderSpec } from '@sluice/shared/api';

export type ProviderType = ProviderSpec['type'];

/** A Provider with its Secrets: where to deliver to, and as whom. */
export interface Endpoint {
  type: ProviderType;
  /** Where to deliver to. It may hold a secret in any part. */
  address: string;
  channel: string;
  username: string;
  password: string;
  token: string;
  headers: Record<string, string>;
  /** Milliseconds for one delivery. */
  timeoutMs: number;
  /** Address of the proxy, with user and password when it needs them. */
  proxy?: string;
  tls?: { ca?: string; cert?: string; key?: string };
}

/** A POST request of an adapter. */
export interface PostRequest {
  url: string;
  body: string;
  /** `content-type` is `application/json` unless given. */
  headers?: Record<string, string>;
  /** Looks into a successful answer; throws DeliveryError when it is none after all. */
  checkAnswer?: (body: string) => void;
}

/**
 * Sends a request once, within the endpoint's timeout.
 *
 * @throws DeliveryError unless it is answered with a 2xx status
 */
export type Post = (request: PostRequest) => Promise<void>;

/**
 * Delivers an event to one type of provider: makes the payload and posts it.
 *
 * @throws DeliveryError
 */
export type Adapter = (event: FluxEvent, endpoint: Endpoint, post: Post) => Promise<void>;
