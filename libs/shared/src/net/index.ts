// Connections whose target an object names: where they may lead.
export type { Dispatcher } from 'undici';
export { AddressPolicy, classOf } from './address-policy.ts';
export {
  type AuthorizeDownload,
  artifactTokenFlags,
  createAuthorizeDownload,
} from './artifact-token.ts';
export { ByteRate } from './byte-rate.ts';
export { guardedConnector } from './connector.ts';
export { createDispatcher } from './dispatcher.ts';
export { createArtifactDispatcher, networkFlags, networkGuardOf } from './flags.ts';
export { getFile } from './get-file.ts';
export { NetworkGuard, type Resolve } from './guard.ts';
export { openSocket } from './open-socket.ts';
export { type Pace, paceAnswers, paceBytes } from './pace.ts';
export { type DefaultProxy, isProxyAddress, type NamedProxy, proxyForms } from './proxy.ts';
export { AddressRefusedError, refusalIn } from './refused-error.ts';
export { openTunnel, ProxyError } from './tunnel.ts';
