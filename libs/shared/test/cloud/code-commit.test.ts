import { codeCommitLogin, codeCommitRegion } from '@sluice/shared/cloud';
import { expect, test } from 'vitest';

const url = new URL('https://git-codecommit.us-east-1.amazonaws.com/v1/repos/test-repo');
const keys = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
};
const now = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

test('the password for a repository of CodeCommit is a signature of its address', () => {
  const { username, password } = codeCommitLogin(url, keys, now);
  expect(username).toBe('AKIDEXAMPLE');
  // As git-remote-codecommit computes it.
  expect(password).toBe(
    '20260102T030405Zc1db2146a2f9456618d680a81598f0bc9d80d95aab8d9e1d52545ac39fafe36c',
  );
  const other = new URL('https://git-codecommit.us-east-1.amazonaws.com/v1/repos/other');
  expect(codeCommitLogin(other, keys, now).password).not.toBe(password);
  const session = codeCommitLogin(url, { ...keys, sessionToken: 's' }, now);
  expect(session).toEqual({ username: 'AKIDEXAMPLE%s', password });
});

test.each([
  'http://git-codecommit.us-east-1.amazonaws.com/x',
  'https://git-codecommit.us-east-1.amazonaws.com.example.com/x',
  'https://example.com/git-codecommit.us-east-1.amazonaws.com',
])('%s is no repository of CodeCommit', (address) => {
  expect(() => codeCommitRegion(new URL(address))).toThrow('no repository of AWS CodeCommit');
});
