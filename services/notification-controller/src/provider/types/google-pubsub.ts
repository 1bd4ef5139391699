import type { Adapter, Endpoint } from '../adapter.ts';
import { jsonOf, objectOf } from '../answer.ts';
import { bearer, channelOf, tokenOf } from '../credentials.ts';
import { UnusableProviderError } from '../delivery-error.ts';
import { eventJson, goJson, sorted } from '../go-json.ts';
import { headersIn } from '../headers.ts';
import { checkOneLogin } from '../identity.ts';

const origin = 'https://pubsub.googleapis.com';
const tokenLifetime = '10m';

/**
 * Publishes the event to a topic of Google Pub/Sub, with the headers of the Secret as attributes. The address is the
 * project, the token the JSON key of a service account, which signs the request itself; without, an identity logs in.
 *
 * @see https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.topics/publish
 */
export const googlePubSub: Adapter = async (event, endpoint, send, { identity }) => {
  const topic = encodeURIComponent(channelOf(endpoint, 'the topic to publish to'));
  const project = encodeURIComponent(endpoint.address);
  checkOneLogin(endpoint);
  const attributes = headersIn(endpoint.secret['headers']);
  const message = {
    data: Buffer.from(eventJson(event)).toString('base64'),
    ...(Object.keys(attributes).length > 0 && { attributes: sorted(attributes) }),
  };
  await send({
    url: `${origin}/v1/projects/${project}/topics/${topic}:publish`,
    headers: bearer(endpoint.token ? await signedToken(endpoint) : await identity.gcp()),
    body: goJson({ messages: [message] }),
  });
};

/** @see https://google.aip.dev/auth/4111 */
async function signedToken(endpoint: Endpoint): Promise<string> {
  const where = "the key 'token' of the Secret of spec.secretRef";
  const json = tokenOf(endpoint, 'credentials');
  const [{ SignJWT }, { createPrivateKey }] = await Promise.all([
    import('jose'),
    import('node:crypto'),
  ]);
  try {
    const key = objectOf(jsonOf(json, where));
    const email = String(key['client_email']);
    return await new SignJWT()
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: String(key['private_key_id'] ?? '') })
      .setIssuer(email)
      .setSubject(email)
      .setAudience(`${origin}/`)
      .setIssuedAt()
      .setExpirationTime(tokenLifetime)
      .sign(createPrivateKey(String(key['private_key'])));
  } catch {
    throw new UnusableProviderError(
      `${where} is no JSON key of a service account: create one and put it there`,
    );
  }
}
