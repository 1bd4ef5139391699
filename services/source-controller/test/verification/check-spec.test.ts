import { expect, it, vi } from 'vitest';
import type { SourceContext } from '../../src/source/source.ts';
import { checkVerifySpec } from '../../src/verification/check-spec.ts';
import type { VerifySpec } from '../../src/verification/deps.ts';
import type { PublicTrustRoot } from '../../src/verification/trust-root/public-trust-root.ts';

const noRoot = { trustedRootPath: '', publicRoot: undefined };
const keyless: VerifySpec = { provider: 'cosign' };
const identity = { issuer: '^a$', subject: '^b$' };

it.each<{ name: string; verify: VerifySpec; message: RegExp }>([
  {
    name: 'notation without a Secret',
    verify: { provider: 'notation' },
    message: /^spec\.verify\.secretRef must name the Secret with trustpolicy\.json/,
  },
  {
    name: 'no keys, and no trust root',
    verify: { ...keyless, matchOIDCIdentity: [identity] },
    message:
      /^spec\.verify\.trustedRootSecretRef must name .* --sigstore-trusted-root or --sigstore-tuf-mirror\)$/,
  },
  {
    name: 'an expression that is none',
    verify: {
      ...keyless,
      trustedRootSecretRef: { name: 'root' },
      matchOIDCIdentity: [identity, { ...identity, subject: '(' }],
    },
    message: /^spec\.verify\.matchOIDCIdentity\[1\]\.subject is no regular expression/,
  },
  {
    name: 'an expression that repeats too much',
    verify: {
      ...keyless,
      trustedRootSecretRef: { name: 'root' },
      matchOIDCIdentity: [{ ...identity, issuer: '(a{100}){100}' }],
    },
    message: /^spec\.verify\.matchOIDCIdentity\[0\]\.issuer is no regular expression/,
  },
])('refuses for good, in condition and error: $name', ({ verify, message }) => {
  const setCondition = vi.fn();
  const context = { status: { setCondition } } as unknown as SourceContext;
  const check = () => checkVerifySpec(context, verify, noRoot);
  expect(check).toThrow(
    expect.objectContaining({
      name: 'StalledError',
      reason: 'VerificationError',
      message: expect.stringMatching(message),
    }),
  );
  expect(setCondition).toHaveBeenCalledWith(
    expect.objectContaining({ type: 'SourceVerified', status: 'False' }),
  );
});

it('lets through what can succeed', () => {
  const context = { status: {} } as unknown as SourceContext;
  const secretRef = { name: 'keys' };
  for (const verify of [
    { provider: 'notation', secretRef },
    { provider: 'cosign', secretRef },
    { ...keyless, trustedRootSecretRef: secretRef, matchOIDCIdentity: [identity] },
  ] satisfies VerifySpec[]) {
    checkVerifySpec(context, verify, noRoot);
  }
  checkVerifySpec(context, keyless, { ...noRoot, trustedRootPath: '/root.json' });
  const publicRoot = {} as PublicTrustRoot;
  checkVerifySpec(context, keyless, { ...noRoot, publicRoot });
});
