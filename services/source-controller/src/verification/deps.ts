import type { Endpoints } from '../adapters/endpoint.ts';
import type { NotationVerifier } from '../adapters/notation.ts';
import type { RegistryClient } from '../adapters/registry/client.ts';
import type { TimeLimit } from '../source/time-limit.ts';
import type { PublicTrustRoot } from './trust-root/public-trust-root.ts';
import type { Identity } from './verify-by-identity.ts';

/** What checking signatures needs. */
export interface VerificationDeps {
  endpoints: Endpoints;
  notation: NotationVerifier;
  /** Path of the trust root for keyless signatures, where an object names none; empty for none. */
  trustedRootPath: string;
  /** Where neither an object nor that path names one; undefined to fetch none. */
  publicRoot: PublicTrustRoot | undefined;
}

/** `spec.verify` of the kinds that come from a registry. */
export interface VerifySpec {
  provider: 'cosign' | 'notation';
  secretRef?: { name: string };
  trustedRootSecretRef?: { name: string };
  matchOIDCIdentity?: Identity[];
}

/** What has to be signed. */
export interface SignedContent {
  client: RegistryClient;
  /** Of the manifest, or the index, that a reference leads to. */
  digest: string;
  /** In words, such as `revision 'latest@sha256:…'`. */
  what: string;
  limit: TimeLimit;
}
