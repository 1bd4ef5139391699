import type { AuditRecord, FluxEvent, ProviderSpec } from '@sluice/shared/api';
import type { Connect } from './connect.ts';
import type { ProviderIdentity } from './provider-identity.ts';
import type { SecretData } from './secrets.ts';

export type ProviderType = ProviderSpec['type'];

/** A Provider with its Secrets: where to deliver to, and as whom. */
export interface Endpoint {
  type: ProviderType;
  /** Where to deliver to, in the terms of the type. It may hold a secret in any part. */
  address: string;
  channel: string;
  username: string;
  password: string;
  token: string;
  headers: Record<string, string>;
  /** The whole Secret of `spec.secretRef`, for types with keys of their own. */
  secret: SecretData;
  /** ServiceAccount as which to log in to the cloud. */
  serviceAccountName?: string;
  /** UID of the Provider, which no Provider of another cluster has. */
  uid: string;
  /** Milliseconds for one delivery. */
  timeoutMs: number;
  /** Address of the proxy, with user and password when it needs them. */
  proxy?: string;
  tls?: { ca?: string; cert?: string; key?: string };
}

/** A request of an adapter. */
export interface ProviderRequest {
  url: string;
  /** POST unless given. */
  method?: 'GET' | 'PATCH' | 'POST' | 'PUT';
  body?: string | Uint8Array;
  /** `content-type` is `application/json` unless given. */
  headers?: Record<string, string>;
  /** Statuses that are an answer as well, besides 2xx. */
  accept?: readonly number[];
  /** Bytes read of the answer; some thousand lines of text unless given. */
  maxAnswerBytes?: number;
  /** Looks into a successful answer; throws DeliveryError when it is none after all. */
  checkAnswer?: (body: string) => void;
}

export interface ProviderAnswer {
  status: number;
  body: string;
}

/**
 * Sends a request once. All requests of one delivery have the endpoint's timeout together.
 *
 * @throws DeliveryError unless it is answered with a 2xx status, or an accepted one
 */
export type Send = (request: ProviderRequest) => Promise<ProviderAnswer>;

/** What a delivery is for, beside the event and the endpoint. */
export interface DeliveryContext {
  alert: { namespace: string; name: string; uid: string };
  /** What is known besides the metadata, where that is made labels, which facts are too many and too long for. */
  facts: Record<string, string>;
  /** Identifies the commit status that an event belongs to. */
  commitStatusId: string;
  /** For services that do not speak HTTP. */
  connect: Connect;
  /** For services of clouds, when the Secret has no login, and for GitHub Apps. */
  identity: ProviderIdentity;
  /** Failures that the service was told of and that the event ends, each with what the service calls it. */
  resolves?: readonly Resolved[];
  /** The events that the event lists, for services that take several at once. */
  members?: readonly FluxEvent[];
  /** The event itself is not to be sent but for what it ends. */
  isRecoveryOnly?: boolean;
  /** Remembers what the service calls what it was told, until its end. */
  remember?: (receipt: string) => void;
}

/** A failure that has ended. */
export interface Resolved {
  event: FluxEvent;
  receipt?: string;
}

/**
 * Delivers an event to one type of provider: makes the payload and sends it.
 *
 * @throws DeliveryError
 */
export type Adapter = (
  event: FluxEvent,
  endpoint: Endpoint,
  send: Send,
  context: DeliveryContext,
) => Promise<void>;

/**
 * Delivers an audit record, as the trail has it, to one type of provider.
 *
 * @throws DeliveryError
 */
export type RecordAdapter = (
  record: AuditRecord,
  endpoint: Endpoint,
  send: Send,
  context: Pick<DeliveryContext, 'alert' | 'connect'>,
) => Promise<void>;
