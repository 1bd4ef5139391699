import { CommandError } from '@sluice/shared/cli';
import { readBody, send } from '../adapters/http.ts';
import type {
  NotationSignature,
  RevocationAnswer,
  RevocationRequest,
} from '../adapters/notation.ts';
import type { RegistryClient } from '../adapters/registry/client.ts';
import { describeManifest } from '../adapters/registry/manifest.ts';
import { listReferrers } from '../adapters/registry/referrers.ts';
import { SignatureError, TrustedKeyError } from '../signature/signature-error.ts';
import type { SourceContext } from '../source/source.ts';
import { fetchSignatures, ofType } from './cosign-signatures.ts';
import type { SignedContent, VerificationDeps, VerifySpec } from './deps.ts';
import { readTrust } from './read-trust.ts';

const signatureType = 'application/vnd.cncf.notary.signature';
const envelopeTypes = ['application/jose+json', 'application/cose'];
const policyKey = 'trustpolicy.json';
const certificateEndings = ['.crt', '.pem'];

const timeoutMs = 60_000;
/** Requests about revocations, of one verification. */
const maxFetches = 24;
const fetchTimeoutMs = 5000;
const maxAnswerBytes = 8 * 1024 * 1024;

/** Docker Hub's name in references, and so in trust policies. */
const dockerHub = { name: 'docker.io', scope: 'index.docker.io' };

/**
 * Checks the signatures that notation has stored beside some content, as the trust policy in the Secret wants it.
 *
 * @returns who signed, in words; undefined when the policy lets pass what nobody vouches for
 * @throws as {@link verifyWithCosign}; CommandError when the program that checks cannot be run
 */
export async function verifyWithNotation(
  context: SourceContext,
  deps: VerificationDeps,
  { secretRef }: VerifySpec,
  { client, digest, limit }: SignedContent,
): Promise<string | undefined> {
  const { namespace = '' } = context.object.metadata;
  const trust = trustOf(await readTrust(context, secretRef?.name ?? '', 'spec.verify.secretRef'));
  const reference = referenceOf(client, digest);
  const artifact = await describeManifest(client, digest);
  const signatures = await findSignatures(client, digest);
  const request = { reference, artifact, signatures, ...trust };
  try {
    const { signer, warnings = [] } = await deps.notation.verify(request, {
      timeoutMs,
      share: namespace,
      signal: limit.signal,
      fetch: fetcherOf(deps, namespace, limit.signal),
    });
    if (warnings.length > 0)
      context.logger.warn({ warnings }, 'Signature has flaws that the trust policy allows');
    return signer === undefined ? undefined : `'${signer}'`;
  } catch (error) {
    if (error instanceof CommandError) limit.signal.throwIfAborted();
    if (!(error instanceof SignatureError)) throw error;
    throw new SignatureError(
      `no matching signatures were found for '${reference}': ${error.message}`,
    );
  }
}

function referenceOf({ address }: RegistryClient, digest: string): string {
  const host = address.host === dockerHub.name ? dockerHub.scope : address.host;
  return `${host}/${address.repository}@${digest}`;
}

function trustOf(values: Record<string, string>) {
  const trustPolicy = values[policyKey];
  if (trustPolicy === undefined) throw new TrustedKeyError(`it has no key ${policyKey}`);
  const certificates = Object.entries(values).filter(([name]) =>
    certificateEndings.some((ending) => name.endsWith(ending)),
  );
  if (certificates.length === 0) {
    throw new TrustedKeyError(
      'it has no certificate: names of their keys must end in .crt or .pem',
    );
  }
  const encoded = certificates.map(([name, text]) => [name, Buffer.from(text).toString('base64')]);
  return { trustPolicy, certificates: Object.fromEntries(encoded) as Record<string, string> };
}

async function findSignatures(
  client: RegistryClient,
  digest: string,
): Promise<NotationSignature[]> {
  const referrers = await listReferrers(client, digest);
  const manifests = ofType(referrers, (type) => type === signatureType);
  const found = await fetchSignatures(client, manifests, ([layer]) =>
    layer !== undefined && envelopeTypes.includes(layer.mediaType) ? layer : undefined,
  );
  return found.map(({ mediaType, content }) => ({
    mediaType,
    content: content.toString('base64'),
  }));
}

/** Sends what has to be asked about revocations through the network guard: certificates name the servers. */
function fetcherOf({ endpoints }: VerificationDeps, share: string, signal: AbortSignal) {
  let fetches = 0;
  return async (request: RevocationRequest): Promise<RevocationAnswer> => {
    fetches++;
    if (fetches > maxFetches) throw new Error(`more than ${maxFetches} requests about revocations`);
    const url = URL.parse(request.url);
    if (url === null || !['http:', 'https:'].includes(url.protocol)) {
      throw new Error('its address is neither http:// nor https://');
    }
    const response = await send({
      method: request.method === 'POST' ? 'POST' : 'GET',
      url,
      headers: request.contentType ? { 'content-type': request.contentType } : {},
      ...(request.body && { body: Buffer.from(request.body, 'base64') }),
      dispatcher: endpoints.dispatcherFor({}, share),
      signal: AbortSignal.any([signal, AbortSignal.timeout(fetchTimeoutMs)]),
    });
    const body = await readBody(response, maxAnswerBytes);
    return {
      status: response.status,
      contentType: response.headers['content-type'] ?? '',
      body: body.toString('base64'),
    };
  };
}
