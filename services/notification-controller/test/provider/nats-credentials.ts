import { nkeys } from '@nats-io/transport-node';

type KeyPair = ReturnType<typeof nkeys.createUser>;

/** A server's configuration with an operator and an account, and the credentials of a user of it. */
export interface NatsTrust {
  config: string;
  creds: string;
}

/** Makes all of it; the server has to start with the configuration. */
export function createNatsTrust(): NatsTrust {
  const [operator, user] = [nkeys.createOperator(), nkeys.createUser()];
  const [system, account] = [nkeys.createAccount(), nkeys.createAccount()];
  const operatorJwt = signed(operator, operator, { type: 'operator', version: 2 });
  const limits = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, conn: -1, leaf: -1 };
  const preload = [system, account].map((key) => {
    const claims = { type: 'account', version: 2, limits: { ...limits, wildcards: true } };
    return `${key.getPublicKey()}: "${signed(key, operator, claims)}"`;
  });
  const userJwt = signed(user, account, {
    type: 'user',
    version: 2,
    subs: -1,
    data: -1,
    payload: -1,
  });
  const seed = new TextDecoder().decode(user.getSeed());
  return {
    config: [
      `operator: "${operatorJwt}"`,
      `system_account: ${system.getPublicKey()}`,
      'resolver: MEMORY',
      `resolver_preload: { ${preload.join(', ')} }`,
    ].join('\n'),
    creds: `-----BEGIN NATS USER JWT-----\n${userJwt}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
  };
}

function signed(subject: KeyPair, issuer: KeyPair, nats: object): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const key = subject.getPublicKey();
  const claims = { jti: key, iat: 1, iss: issuer.getPublicKey(), name: key, sub: key, nats };
  const text = `${encode({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encode(claims)}`;
  return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString('base64url')}`;
}
