import type { CertificatePair } from './certificates.ts';

/**
 * A kubeconfig with everything inlined. JSON, which every reader of YAML accepts.
 *
 * @param o where the API server is, the CA that signed its certificate, and the client's certificate
 */
export function renderKubeconfig(o: {
  server: string;
  ca: string;
  client: CertificatePair;
}): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'test',
          cluster: { server: o.server, 'certificate-authority-data': base64(o.ca) },
        },
      ],
      users: [
        {
          name: 'test',
          user: {
            'client-certificate-data': base64(o.client.cert),
            'client-key-data': base64(o.client.key),
          },
        },
      ],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
      'current-context': 'test',
    },
    null,
    2,
  );
}
